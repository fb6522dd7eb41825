"""The replay server: DynamoDB's Scan from ready pages and an S3 in memory, cheap enough not to be the limit."""
