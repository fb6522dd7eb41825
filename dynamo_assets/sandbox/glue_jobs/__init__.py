"""Glue jobs: scripts that really run, each in its own process, on local Spark."""
