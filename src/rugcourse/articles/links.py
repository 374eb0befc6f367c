"""Which links of an article stay: complete addresses of pages and mailboxes."""

from __future__ import annotations

import re

_ALLOWED = re.compile(r"(?:https?://[^\s/?#]{1,255}\.[^\s]|mailto:[^\s@]{1,64}@[^\s])[^\s]{0,480}", re.IGNORECASE)
_ENCODED = re.compile(r"[\x00-\x20\x7f<>\"'(){}\[\]\\^`|]")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f]")


def clean_link(address: str) -> str:
    """Return an address in which nothing is Markdown or a merge tag; empty for one that a mail can't have.

    Only http, https and mailto are allowed. Nothing is ever fetched from any of them.
    """
    address = _INVISIBLE.sub("", address).strip()
    if not address.isascii():
        address = "".join(one if one.isascii() else _percent(one) for one in address if one.isprintable())
    if not _ALLOWED.fullmatch(address):
        return ""
    return _ENCODED.sub(lambda found: _percent(found[0]), address)


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "ignore"))
