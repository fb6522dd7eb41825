"""What must exist in an AWS account before the first export, and how it gets there."""
