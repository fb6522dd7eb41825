"""The scripts that AWS Glue runs."""
