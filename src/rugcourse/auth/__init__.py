"""Who may use the admin pages: logging in, sessions, second factors, and the log of security events.

    invite → a link, once, for a day → password → code of an authenticator, or a passkey → session → role decides

Whatever fails looks the same from outside. Guessing is slowed down per address and network, and never locks anybody
out.
"""
