"""`rugcourse api token`: a token is printed once, listed without its secret, and ended."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.admins import make_admin
from tests.support.commands import run

from rugcourse.auth.api_tokens import PREFIX
from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import Role


def test_token_is_created_listed_and_revoked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    database = Database(url)
    upgrade(database)
    make_admin(database, SystemClock(), "kim@example.org", Role.OWNER)
    settings = {"DATABASE_URL": url}
    made = run("api", "token", "create", "kim@example.org", "--name", "site", "--scope", "courses:read", **settings)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith(PREFIX)
    listed = json.loads(run("api", "token", "list", "--json", **settings).stdout)
    assert [(one["name"], one["admin"], one["scopes"]) for one in listed] == [
        ("site", "kim@example.org", "courses:read")
    ]
    assert secret not in str(listed)
    assert run("api", "token", "revoke", str(listed[0]["id"]), **settings).returncode == 0
    assert json.loads(run("api", "token", "list", "--json", **settings).stdout)[0]["revoked_at"] is not None
    wrong = run("api", "token", "create", "kim@example.org", "--name", "site", "--scope", "all", **settings)
    assert (wrong.returncode, "'all' is no scope" in wrong.stderr) == (2, True)
