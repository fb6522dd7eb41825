"""One module for each asset of a table's row: source, snapshot, catalog, view; the sets; and the checks between."""
