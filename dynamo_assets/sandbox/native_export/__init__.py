"""DynamoDB's export to S3, in AWS's own layout, of the state at any second that the sandbox remembers."""
