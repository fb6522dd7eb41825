"""The Glue Data Catalog, where moto's differs from Glue's, and Hive's types."""
