"""SQL statements, by what they are about. Each takes a session; whoever opened it ends the transaction."""
