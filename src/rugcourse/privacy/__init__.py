"""What people may ask of us, and what we do unasked: a copy of everything, being erased, being forgotten in time."""
