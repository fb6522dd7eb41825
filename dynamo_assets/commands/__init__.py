"""The commands of `dynamo-assets`, a module each."""
