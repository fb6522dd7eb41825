"""How fresh each view is: what it shows, what there is, how old that is, and who is told."""
