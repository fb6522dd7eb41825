"""Removes items from every snapshot of a table: a person's right to be forgotten. Never keeps a key's value."""
