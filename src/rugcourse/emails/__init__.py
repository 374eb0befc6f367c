"""Rendering mails: MJML and Jinja compiled once per lesson version, messages assembled from prepared bytes, DKIM.

templates  the two passes: one for all readers, one for each
catalogue  one function for each mail that the product sends
mime       the message itself: headers, parts, encodings
"""
