"""Which snapshot a view shows, and the only commit there is: the replacement of the view."""
