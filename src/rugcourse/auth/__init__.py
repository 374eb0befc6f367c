"""Who may use the admin pages: coming in, staying in, and the log of what each changed.

    create → a link, once, for a day → password → (code of an authenticator) → session → role decides

Whatever fails looks the same from outside. Guessing is slowed per address and network, and never locks anybody out.
"""
