"""The lists of the admin pages. `table` says what a list is, `files` sends them as CSV, the other modules make them.

Each list has one function, which its page and its file both use, so that the file has exactly what the page shows.
"""
