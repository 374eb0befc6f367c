"""Builds e-books (PDF and EPUB) of courses, and the preview picture for shared links.

They are built when a course is published, cached in the database, and rebuilt when any of their input has changed.
"""
