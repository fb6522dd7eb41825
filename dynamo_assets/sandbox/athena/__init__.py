"""The sandbox's Athena: SQL on the Glue Data Catalog's tables and the files in S3, really executed.

A query's way through the modules:

- `service`, `work_groups`: the API's operations; who may query, where results go.
- `statements`: which statement a text is. `ddl`: SHOW, DESCRIBE, CREATE VIEW and the like.
- `execution`: its life, from QUEUED to its end. `results`: its rows as Athena writes them. `errors`: its failure.
- `analyzer`, `relations`, `selects`, `joins`, `scopes`: names resolved and types known as Athena's engine, Trino, does
  it, and SQL for DuckDB written anew: no text of the query's reaches DuckDB but its literals.
- `expressions`, `operators`, `calls`, `casts`, `types`: the same for expressions. `functions`: every function known.
- `sources`, `catalog`, `views`: what a table's name stands for. `partition_pruning`: which partitions matter.
- `engine`: one DuckDB for one query: it plans, then runs. `mount`, `schemas`, `formats`, `text_formats`, `data_files`:
  what the plan reads of the registered partitions, read into it.

It differs from Athena and does not say so in this: `varchar(n)` is `varchar`; approximate aggregates approximate in
another way; regular expressions are RE2's; JSON keeps the order of its keys; a condition outside a CTE does not prune
the partitions read inside; files other than Parquet count as scanned whole; a result deleted from S3 can still be had
from GetQueryResults. Whatever else it does not do fails, and the reason says "The sandbox does not".
"""
