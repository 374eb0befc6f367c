"""Help for admins: some pages of `docs/`, which a wheel carries, as HTML and to search in.

documents   reads a page into sections with anchors, in a language if it was translated
help_search finds words in headings and paragraphs
"""
