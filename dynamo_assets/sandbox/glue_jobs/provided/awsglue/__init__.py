"""AWS Glue's own library for scripts, as far as the sandbox has it: DynamoDB's reader, and frames of what it reads.

Glue runs, and nothing else, have this folder on their `PYTHONPATH`. It is this project's own work after public
descriptions of `awsglue`, on plain PySpark; nothing of it has been compared with AWS. Whatever is not here is refused
by name, with an error that begins "The sandbox does not ...".

Where each behaviour comes from stands where it is implemented, marked with one of three words:

    documented   a page of AWS's documentation, or an AWS sample, says so
    inferred     from the public emr-dynamodb-connector, whose option names and defaults the reader shares, or from
                 what several public scripts rely on
    assumed      nobody says; the module says what was chosen, and why
"""
