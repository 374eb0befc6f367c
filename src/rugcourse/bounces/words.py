"""The words by which mail systems say what happened, where they give no status, or one that says too little."""

from __future__ import annotations

import re


def _said(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


UNKNOWN_USER = _said(
    r"user unknown", r"unknown user", r"no such (user|recipient|person|mailbox|account|address)",
    r"does(n't| not) (exist|have)", r"unknown (recipient|address|mailbox|local[- ]?part)",
    r"invalid (recipient|mailbox|address)", r"mailbox (not found|unavailable)", r"no mailbox here",
    r"(account|mailbox|user|recipient).{0,40}(disabled|deactivated|inactive|suspended|is not active|no longer)",
    r"not a valid (user|mailbox|recipient)", r"address rejected", r"recipient ?not ?found", r"RecipNotFound",
    r"not listed in", r"isn't listed", r"couldn't be found", r"wasn't found", r"unrouteable address", r"user not found",
    r"no longer (available|valid)", r"host or domain name not found", r"domain (name )?(not found|does not exist)",
    r"NXDOMAIN", r"nullMX", r"does not accept mail",
)  # fmt: skip
FULL = _said(
    r"quota", r"(mailbox|inbox|box|storage).{0,20}(full|exceed)", r"insufficient (disk|storage)", r"too (large|big)",
    r"size (limit|exceed)", r"out of storage", r"timed? ?out", r"try (again|later)", r"temporar", r"connection refused",
    r"resources",
)  # fmt: skip
POLICY = _said(
    r"spam", r"blocked", r"block ?list", r"black ?list", r"reputation", r"policy", r"\bdmarc\b", r"\bspf\b",
    r"\bdkim\b", r"unauthenticated", r"not authori[sz]ed", r"unsolicited", r"banned", r"content rejected", r"\brbl\b",
    r"barracuda", r"proofpoint", r"access denied", r"relay(ing)? (access )?denied", r"too many (messages|connections)",
    r"rate limit",
)  # fmt: skip
AWAY = _said(
    r"out of (the )?office", r"auto(matic)?[- ]?(reply|response|antwort|matisch)", r"automatisch antwoord", r"afwezig",
    r"vakantie", r"on holiday", r"vacation", r"abwesen", r"absence", r"absent", r"ferie", r"fuera de", r"away from",
    r"ontvangstbevestiging", r"hebben (je|uw) (bericht|mail) ontvangen",
)  # fmt: skip
FROM_A_SERVER = _said(r"mailer-daemon", r"postmaster", r"mail delivery (sub)?system", r"double-bounce")
UNDELIVERED = _said(
    r"undeliver", r"delivery (status|failure|report)", r"returned mail", r"failure notice", r"mail (delivery )?fail",
    r"could not be delivered", r"message (not|could not be) delivered", r"niet (worden )?(bezorgd|afgeleverd)",
    r"onbestelbaar", r"unzustellbar", r"mail system error", r"delivery incomplete", r"warning: could not send",
    r"delayed", r"rejected:", r"nicht zugestellt",
)  # fmt: skip
STILL_TRYING = _said(
    r"will (keep|continue) (on )?try", r"being delayed", r"has been delayed", r"delivery is delayed",
    r"not yet been delivered", r"delivery incomplete", r"no action is required", r"this is a warning",
    r"will be retried", r"delivery will continue",
)  # fmt: skip
ORIGINAL = re.compile(
    r"\n-{2,} ?(Below this line|This is a copy|Original message|Returned message|The header)|\n-{3,}\s*Original"
)
