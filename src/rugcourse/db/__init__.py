"""What is kept: typed tables, the same on SQLite and PostgreSQL, and every statement that reads or writes them."""
