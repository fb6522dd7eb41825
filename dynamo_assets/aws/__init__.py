"""Thin clients over boto3 and PyAthena: start, wait, cancel, explain."""
