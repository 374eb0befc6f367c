"""Courses as files: an e-book as PDF and EPUB, and the picture that is shown where a course's address is shared.

Made when a course is published, cached in the database, and made anew when anything that goes into them has changed.
"""
