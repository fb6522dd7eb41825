"""Crawlers: files become tables and partitions of the Data Catalog."""
