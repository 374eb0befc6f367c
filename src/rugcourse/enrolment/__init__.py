"""Signing up, confirming, consent, preferences, suppression, and leaving."""
