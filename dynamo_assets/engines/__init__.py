"""From an export request to a manifest: where the units of an export run."""
