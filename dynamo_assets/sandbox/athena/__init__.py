"""The sandbox's Athena: SQL on the Glue Data Catalog's tables and the files in S3, really executed.

service     the API's operations                    execution   a query's life: queued, running, ended
work_groups where results go and who may query      results     how Athena writes rows, in S3 and in answers
statements  which statement a text is               ddl         SHOW, DESCRIBE, CREATE VIEW and the like
catalog     Glue databases, tables, partitions      views       Presto views, as Athena keeps them in Glue

A SELECT is analysed as Athena's engine (Trino) does, never handed on as text:

relations   FROM, SELECT, UNION: names resolved, columns known     expressions  operators and calls: typed
functions   every function known, as DuckDB says it                casts, types conversions; Arrow types speak
engine      one DuckDB for one query: plans, then runs
mount       the pruned, registered partitions, read into it        formats, text_formats  their files
"""
