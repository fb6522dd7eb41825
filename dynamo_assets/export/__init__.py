"""The export core: one DynamoDB table to one complete snapshot in S3. Runs anywhere; knows nothing of Dagster."""
