"""Privacy (GDPR): what is kept and until when, the copy of everything, erasure, retention, and the papers.

Read `inventory` first: every column, whose it is, what for, and until when.
"""
