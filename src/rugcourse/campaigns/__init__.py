"""Campaigns: drafted, previewed, started, paused, cancelled, and compared by A/B tests."""
