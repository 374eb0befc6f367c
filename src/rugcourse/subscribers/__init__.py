"""Subscribers as admins work with them: CSV import and export, bulk actions, background jobs, one person's timeline."""
