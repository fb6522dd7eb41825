"""What is asked of a complete snapshot before a view may show it, and the record of the answers in S3."""
