"""Authentication of admins: login, sessions, second factors, and the log of security events.

    invitation → one link, valid for a day → password → TOTP code or passkey → session → role

All failures look the same to a client. Guessing is rate-limited by account and network, and never locks anybody out.
"""
