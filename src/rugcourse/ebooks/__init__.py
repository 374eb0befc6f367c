"""Builds e-books (PDF and EPUB) of courses, and the preview picture for shared links.

They are built when a course is published, cached in the database, and rebuilt when any of their input has changed.

    document       the content of a course as plain data
    epub           the EPUB
    typesetter     PDF and picture, by `typst_process`, a process of its own
    signs          what the fonts of the PDF lack
    cache          what was built, and what is out of date
"""
