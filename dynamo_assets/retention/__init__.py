"""Removes snapshots that are old enough to go, and what dead attempts left. Never what is published or still needed."""
