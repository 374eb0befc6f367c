"""The statements, by what they are about. Each takes a session; who opened it ends the transaction."""
