"""The export core beside its peers, on a replay server: `make bench`."""
