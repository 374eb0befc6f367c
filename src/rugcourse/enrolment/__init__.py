"""How a visitor becomes a reader, changes when they are written to, and leaves."""
