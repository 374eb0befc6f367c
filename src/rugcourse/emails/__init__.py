"""Renders, assembles and signs mails. Templates are compiled once per lesson version.

templates  the two passes: one for all readers, one for each
branding   what mails, pages and e-books show of the sender
catalogue  one function for each mail that the product sends
mime       the message itself: headers, parts, encodings
dkim       the signature
"""
