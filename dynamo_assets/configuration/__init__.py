"""`tables.yaml`: what it may say, and how it becomes settings."""
