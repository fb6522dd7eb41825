"""The sandbox: an AWS in one local process, in which Glue jobs, crawlers and Athena queries really execute."""
