"""Messages to an SNS topic: runs that failed, views that are too old. Off where no topic is given."""
