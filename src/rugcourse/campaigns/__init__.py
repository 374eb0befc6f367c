"""Courses on offer: publishing them, and what has come of them."""
