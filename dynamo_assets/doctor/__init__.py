"""Before the first run: what would fail, found by looking. Nothing is changed."""
