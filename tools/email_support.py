"""Writes what mail programs support, from the data of caniemail.com, to `tests/emails/email_support.json`.

    npm pack caniemail && python -m tools.email_support caniemail-*.tgz

The data comes with the npm package `caniemail` (MIT licence). Of each feature one letter for each program is kept, of
its newest version that was tried: y (yes), a (partly), n (no), or u (unknown).
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parents[1] / "tests" / "emails" / "email_support.json"
_DATA = "package/data/caniemail.json"
_KINDS = {"css", "html", "image"}
_UNKNOWN = "u"
# Those that readers in the Netherlands, Belgium, Germany and Britain have most, by the names of the data.
PROGRAMS = (
    "gmail/desktop-webmail",
    "gmail/ios",
    "gmail/android",
    "outlook/windows",
    "outlook/outlook-com",
    "outlook/macos",
    "outlook/ios",
    "outlook/android",
    "apple-mail/macos",
    "apple-mail/ios",
    "yahoo/desktop-webmail",
    "yahoo/ios",
    "yahoo/android",
    "samsung-email/android",
    "thunderbird/macos",
    "protonmail/desktop-webmail",
    "gmx/desktop-webmail",
    "web-de/desktop-webmail",
)


def table_of(data: Mapping[str, Any]) -> dict[str, object]:
    """Return the table from the data of caniemail.com, API version 1."""
    features = sorted((one for one in data["data"] if one["category"] in _KINDS), key=lambda one: str(one["slug"]))
    return {
        "source": "https://www.caniemail.com, by the npm package caniemail (MIT licence)",
        "as_of": data["last_update_date"][:10],
        "programs": PROGRAMS,
        "support": {
            one["slug"]: "".join(_support_code(one["stats"], program) for program in PROGRAMS) for one in features
        },
    }


def _support_code(stats: Mapping[str, Mapping[str, Mapping[str, str]]], program: str) -> str:
    family, _, platform = program.partition("/")
    by_version = stats.get(family, {}).get(platform, {})
    return list(by_version.values())[-1][:1] if by_version else _UNKNOWN  # oldest first


def main(archive: str) -> int:
    with tarfile.open(archive) as package:
        found = package.extractfile(_DATA)
        if found is None:
            raise FileNotFoundError(_DATA)
        data = json.load(found)
    TABLE.write_text(json.dumps(table_of(data), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
