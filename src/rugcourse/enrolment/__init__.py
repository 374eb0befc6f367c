"""Enrolment: signup, double opt-in, consent, preferences, suppression and unsubscribing."""
