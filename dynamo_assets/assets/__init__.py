"""One module for each asset of a table's row: source, snapshot, catalog, view; and the checks between them."""
