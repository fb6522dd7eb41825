"""DynamoDB's own exports to S3 as a source of pages: checked against their manifests, then converted."""
