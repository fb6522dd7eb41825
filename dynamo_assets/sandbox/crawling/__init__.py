"""What a crawl does: lists a target, groups its files into tables, writes them to the Data Catalog."""
