"""Backups: one file with everything that an installation keeps, and putting it back.

`manifest` says what a backup holds; `writer` and `archive` write and read the file; `create` and `restore` are what
commands call. Why it is rows and no copy of the database's files: decision 53.
"""
