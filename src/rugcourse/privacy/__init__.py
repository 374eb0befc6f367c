"""Privacy (GDPR): the inventory of personal data, data export, erasure, retention, and the required documents.

Start with `inventory`: whose data each column holds, for which purpose, and until when.
"""
