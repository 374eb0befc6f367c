"""The database, SQLite or PostgreSQL: connections and transactions, models, and every SQL statement.

engine          opens the database and begins transactions
models          the tables
queries         the statements by subject
bulk            writes many rows in one statement, on both databases
group_commit    lets many small writes share one commit
counters        figures that triggers keep, so that no page counts rows
withdrawal_log  a file beside the database, so that restoring a backup undoes no withdrawal
"""
