"""DynamoDB tables as Dagster assets, exported to S3, catalogued by Glue and queried with Athena."""
