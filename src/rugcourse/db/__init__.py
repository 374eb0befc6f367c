"""The database, SQLite or PostgreSQL: connections and transactions, models, and every SQL statement.

engine          opens the database and begins transactions
models          the tables
queries         the statements, by what they are about
bulk            writes many rows in one statement, on both databases
group_commit    lets many small writes share one commit
counters        figures that triggers keep, so that no page counts rows
withdrawal_log  a file beside the database: a backup that is put back undoes no withdrawal
"""
