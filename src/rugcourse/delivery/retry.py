"""Every number of the retry rules: when something is tried again, how often, and when it is given up.

Waits are in seconds of the product's clock, which the demo runs faster. `RUGCOURSE_MAX_ATTEMPTS` says after how many
tries a mail is given up; `RUGCOURSE_GRACE_HOURS` until when a lesson may still go out.
"""

from __future__ import annotations

from datetime import timedelta

# A mail that the server put off. After the last wait, each further one takes as long.
BACKOFF_SECONDS = (60.0, 300.0, 900.0, 1800.0, 3600.0)
JITTER = 0.2  # fraction of a wait, in both directions, so that mails that failed together are not retried together

# What can't be made or planned, while everything else goes on: the cause may have been fixed by then.
BROKEN_MAIL_SECONDS = 600.0
BROKEN_ROW_SECONDS = 3600.0

# A database that can't be reached while results wait to be written, by the machine's clock.
DATABASE_SECONDS = 1.0

# A hold: the first, and the longest; each time twice as long.
SERVER_HOLD_SECONDS = (30.0, 300.0)  # the mail server serves nobody
POLICY_HOLD_SECONDS = (3600.0, 86_400.0)  # a domain refuses us for what we are (RFC 3463, 5.7.x)

SILENT_TIMEOUTS = 2  # how many timeouts the server may use up while it takes one message

# Bounces.
MAX_RESENDS = 2  # of a lesson that did not arrive
SOFT_BOUNCES = 3  # soft bounces in a row, within `SOFT_DAYS`: then the mailbox counts as gone
SOFT_DAYS = 60
LONGEST_QUEUED = timedelta(days=7)  # mail servers retry for five days or less
