"""Subscribers as admins work with them: lists to import and export, bulk actions, one person's timeline."""
