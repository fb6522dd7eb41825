"""Whether the keys of a snapshot's rows are unique and never null; asked of its files as they lie in S3."""
