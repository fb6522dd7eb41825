"""What others would write, each a program of its own that imports nothing of `dynamo_assets`."""
