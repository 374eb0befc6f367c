"""Classifies a refusal as hard, soft or policy, from the words and the status code of the server.

What the remote server said counts for more than the report of the nearer one: first its words, then a status within
them, then the status around them. If they disagree the milder one wins: a reader who is suppressed by mistake never
learns of it, while a mailbox that no longer exists is found out by the next mails.
"""

from __future__ import annotations

import re
from enum import StrEnum, auto
from typing import NamedTuple

from rugcourse.bounces import phrases
from rugcourse.bounces.report import BounceType

STATUS = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
CODE = re.compile(r"(?<![\w.:/+-])([45]\d\d)(?=[ -]\D|[ -][45]\.\d|-?$)", re.MULTILINE)
_REPEATED = re.compile(r"\b[245]\d\d(?:[- ](?=[245]\.\d{1,3}\.\d)|-)(?:[245]\.\d{1,3}\.\d{1,3}\b)?")
_LONGEST_WORD = 200
_HOST_ENDS = frozenset(("com", "net", "org", "edu", "gov", "biz", "info", "jp", "de", "nl", "uk", "fr", "ru", "cn"))

# From RFC 3463 and the IANA registry. In x.1.x, 5 means that the address is valid; 7 and 8 are about the sender.
_STATUSES = (
    (BounceType.HARD, re.compile(r"5\.1\.(?:[12369]|10|351)$|5\.2\.1$|5\.4\.4$|5\.4\.310$")),
    (BounceType.POLICY, re.compile(r"[45]\.7\.\d+$|5\.1\.[78]$")),
    (BounceType.SOFT, re.compile(r"4\.(?!0\.)|5\.2\.[234]$|5\.3\.[1-9]\d*$|5\.4\.(?!0$|1$)\d+$|5\.6\.[1-9]\d*$")),
)
_NO_MAIL_HERE = frozenset(("521", "556"))  # RFC 7504
# The refusal is not about the recipient, who had not been named yet (RFC 5321, 3.3).
_BEFORE_THE_READER = re.compile(
    r"in reply to (?:mail from|ehlo|helo)|after (?:mail from|ehlo|helo|initial connection)|refused to talk to me"
    r"|but (?:my name was rejected|greeting failed|sender was rejected)|does not like sender"
    r"|>>> (?:mail from|ehlo|helo)[^\n]{0,500}\n<<< [45]"
)


class ReplyMeaning(StrEnum):
    """The meaning of a server's words, from the most to the least reliable."""

    REFUSED = auto()
    LIMIT = auto()
    PASSING = auto()
    NO_MAIL = auto()
    NO_DOMAIN = auto()
    TROUBLE = auto()
    NO_MAILBOX = auto()
    DENIED = auto()
    UNAVAILABLE = auto()


_TABLES = {
    ReplyMeaning.REFUSED: phrases.REFUSED,
    ReplyMeaning.LIMIT: (phrases.RATE, phrases.FORM),
    ReplyMeaning.PASSING: (phrases.FULL, phrases.PASSING),
    ReplyMeaning.NO_MAIL: (phrases.NO_MAIL,),
    ReplyMeaning.NO_DOMAIN: (phrases.NO_DOMAIN,),
    ReplyMeaning.TROUBLE: (phrases.EXPIRED, phrases.TROUBLE),
    ReplyMeaning.NO_MAILBOX: (phrases.NO_MAILBOX,),
    ReplyMeaning.DENIED: (phrases.DENIED,),
    ReplyMeaning.UNAVAILABLE: (phrases.UNAVAILABLE,),
}
_WHOEVER_READS = frozenset((ReplyMeaning.REFUSED, ReplyMeaning.LIMIT, ReplyMeaning.PASSING))
_KINDS = {
    ReplyMeaning.REFUSED: BounceType.POLICY,
    ReplyMeaning.DENIED: BounceType.POLICY,
    ReplyMeaning.PASSING: BounceType.SOFT,
    ReplyMeaning.TROUBLE: BounceType.SOFT,
    ReplyMeaning.NO_MAIL: BounceType.HARD,
}


class ServerReply(NamedTuple):
    """The normalised reply of a server, with the reply code and the status it contains."""

    text: str
    code: str
    status: str

    @property
    def is_temporary(self) -> bool:
        return (self.status or self.code).startswith("4")


def parse_reply(raw: str) -> ServerReply:
    code, status = CODE.search(raw), STATUS.search(raw)
    return ServerReply(plain(raw), code[1] if code else "", status[1] if status else "")


def plain(raw: str) -> str:
    """Normalise a reply: lower case, single spaces, no addresses or hosts, no codes repeated on each line."""
    lowered = _REPEATED.sub(" ", raw.lower().replace("\u2019", "'").replace("\u00b4", "'"))
    return " ".join(word for word in lowered.split() if not _is_address(word))


def _is_address(word: str) -> bool:
    if "@" in word or "://" in word or len(word) > _LONGEST_WORD:
        return word.isascii()
    if "." not in word:
        return False
    labels = word.strip("<>()[]{}\"',;:.").split(".")
    return all(labels) and (len(labels) > 2 or (len(labels) == 2 and labels[1] in _HOST_ENDS))


def classify(status: str, reply: str, otherwise: BounceType = BounceType.SOFT) -> BounceType:
    """Classify a refusal. `status` is the one around the reply; `otherwise` is returned if neither is conclusive."""
    return by_words(reply, status) or by_status(parse_reply(reply).status) or by_status(status) or otherwise


def by_status(status: str) -> BounceType | None:
    """Classify a status. Returns None if it is too vague: x.0.0, x.5.0, or 5.1.0, which servers use differently."""
    return next((kind for kind, statuses in _STATUSES if statuses.match(status)), None)


def by_words(raw: str, status: str = "", conversation: str = "") -> BounceType | None:
    """Classify a reply by its words; None if they are not conclusive.

    `conversation`: the surrounding text, which shows what command the server replied to.
    """
    if phrases.REFUSED_PAGES.search(raw.lower()):
        return BounceType.POLICY
    reply = parse_reply(raw)
    meaning = _meaning(reply.text)
    if meaning not in _WHOEVER_READS and reply.code:
        if _BEFORE_THE_READER.search(f"{conversation}\n{raw}".lower()):
            return BounceType.SOFT if reply.is_temporary else BounceType.POLICY
        if reply.code in _NO_MAIL_HERE:
            return BounceType.HARD
    return _kind_of(meaning, reply, reply.status or status) if meaning else None


def _meaning(text: str) -> ReplyMeaning | None:
    return next((one for one, tables in _TABLES.items() if any(table.search(text) for table in tables)), None)


def _kind_of(meaning: ReplyMeaning, reply: ServerReply, status: str) -> BounceType | None:
    if meaning in _KINDS:
        return _KINDS[meaning]
    if meaning == ReplyMeaning.LIMIT:
        return BounceType.POLICY if status[1:4] == ".7." else BounceType.SOFT
    if (reply.status or reply.code or status).startswith("4"):
        return BounceType.SOFT  # such as a recipient that could not be looked up for now
    if meaning == ReplyMeaning.NO_DOMAIN or by_status(status) is None:
        return BounceType.HARD
    return (
        by_status(status)
        if meaning == ReplyMeaning.UNAVAILABLE or by_status(status) == BounceType.SOFT
        else BounceType.HARD
    )
