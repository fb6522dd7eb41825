"""DynamoDB: what moto lacks of it, above all true capacity, true sizes and a memory of every write."""
