"""SQL statements by subject. Each function takes a session, whose owner ends the transaction."""
