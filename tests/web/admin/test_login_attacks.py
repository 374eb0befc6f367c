"""Attacks on logging in: guessing, many at once, an open screen, a copied database, and somebody else's challenge."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from structlog.testing import capture_logs
from tests.support.admin_pages import form_of, log_in
from tests.support.admins import OWNER, PASSWORD, make_admin
from tests.support.pages import CHROME
from tests.support.rows import everything
from tests.support.smtp_sink import Sink

from rugcourse.auth import passwords
from rugcourse.auth.admins import (
    change_password,
    change_role,
    invite,
    invited_email,
    request_reset,
    reset_email,
    reset_second_factor,
)
from rugcourse.auth.security_events import Origin
from rugcourse.auth.sessions import find_identity, open_session
from rugcourse.bootstrap import Runtime
from rugcourse.clock import VirtualClock
from rugcourse.db.models import AdminRow, AuditLogRow, PasskeyRow, Role, SecurityEventRow
from rugcourse.db.queries import admins
from rugcourse.web.app import create_app
from rugcourse.worker.tasks import apply_retention

pytestmark = pytest.mark.usefixtures("answers_at_once")

OTHER = "seven brass kettles sing"


@pytest.fixture
def owner(browser: TestClient, runtime: Runtime, clock: VirtualClock) -> TestClient:
    """A browser in which an owner is inside."""
    make_admin(runtime.database, clock)
    browser.headers["accept-language"] = "en"
    assert log_in(browser).status_code == 303  # type: ignore[attr-defined]
    return browser


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Counter:
    counter = Counter()
    monkeypatch.setattr(passwords, "_hasher", lambda: counter)
    return counter


class Counter:
    """A hasher that is slow and knows how many use it."""

    def __init__(self) -> None:
        self.now = self.most = self.tried = 0
        self._lock = threading.Lock()
        self.go_on = threading.Event()

    def hash(self, _password: str) -> str:
        return "$argon2id$"

    def verify(self, _hash: str, _password: str) -> bool:
        with self._lock:
            self.now += 1
            self.tried += 1
            self.most = max(self.most, self.now)
        self.go_on.wait(1)
        with self._lock:
            self.now -= 1
        raise passwords.VerificationError


def elsewhere(browser: TestClient, address: str = "10.6.6.6") -> TestClient:
    return TestClient(browser.app, follow_redirects=False, headers=CHROME, client=(address, 1))


def authenticator(browser: TestClient) -> str:
    """Set one up; returns its secret."""
    page = browser.get("/admin/account").text
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)[1]  # type: ignore[index]
    fields = dict(re.findall(r'name="(form|locked)" value="([^"]+)"', page))
    code = pyotp.TOTP(secret).now()
    answer = browser.post("/admin/account", data={**fields, "action": "second-factor", "code": code, "old": PASSWORD})
    assert answer.status_code == 200, answer.text
    return secret


def next_code(secret: str) -> str:
    """Of the next half minute, which is taken as well: the one of now was used to set it up."""
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30))


def test_login_attempts_are_limited_per_network(browser: TestClient) -> None:
    attacker = elsewhere(browser)
    statuses = [log_in(attacker, f"someone{number}@x.example").status_code for number in range(34)]  # type: ignore[attr-defined]
    assert statuses == [403] * 30 + [429] * 4
    assert log_in(elsewhere(browser, "10.7.7.7"), "someone@x.example").status_code == 403  # type: ignore[attr-defined]


def test_parallel_login_attempts_are_all_counted(browser: TestClient, hashing: Counter) -> None:
    hashing.go_on.set()
    attacker = elsewhere(browser)
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: log_in(attacker).status_code, range(20)))  # type: ignore[attr-defined]
    assert statuses.count(429) == 15
    assert hashing.tried <= 5


def test_password_hashing_is_limited_and_excess_logins_get_503(browser: TestClient, hashing: Counter) -> None:
    attackers = [elsewhere(browser, f"10.6.6.{number}") for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(log_in, one, f"{number}@x.example") for number, one in enumerate(attackers)]
        assert browser.get("/nl").status_code == 200, "public pages don't wait for it"
        hashing.go_on.set()
        statuses = {one.result().status_code for one in waiting}  # type: ignore[attr-defined]
    assert hashing.most <= 2
    assert statuses == {403, 503}


def test_attacks_do_not_lock_admins_out_of_known_browsers(owner: TestClient) -> None:
    """OWASP's device cookie: whoever logged in here before is counted apart."""
    for number in range(12):
        for _ in range(5):
            log_in(elsewhere(owner, f"10.6.{number}.1"), password="guess")
    assert log_in(elsewhere(owner, "10.9.9.9")).status_code == 429  # type: ignore[attr-defined]
    assert log_in(owner).status_code == 303  # type: ignore[attr-defined]


def test_code_attempts_are_limited_per_session_over_all_networks(
    owner: TestClient, sink: Sink, runtime: Runtime
) -> None:
    authenticator(owner)
    attacker = elsewhere(owner)
    log_in(attacker)
    form = form_of(attacker, "/admin/mfa")
    cookies = dict(attacker.cookies)
    statuses = [
        TestClient(owner.app, follow_redirects=False, headers=CHROME, cookies=cookies, client=(f"2001:db8:{n}::1", 1))
        .post("/admin/mfa", data={**form, "code": "000000"})
        .status_code
        for n in range(1, 8)
    ]
    assert statuses == [403] * 4 + [303] * 3
    owner.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert "kent je wachtwoord" in str(sink.taken[-1].raw)


def test_code_attempts_are_limited_per_day_over_all_sessions(owner: TestClient, sink: Sink) -> None:
    authenticator(owner)
    last = 0
    for number in range(7):
        attacker = elsewhere(owner, f"10.6.{number}.1")
        log_in(attacker)
        form = form_of(attacker, "/admin/mfa")
        for _ in range(5):
            answer = attacker.post("/admin/mfa", data={**form, "code": "000000"})
            last = answer.status_code if answer.headers.get("location") != "/admin/login" else last
    assert last == 429
    owner.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert sum(b"wachtwoord" in one.raw for one in sink.taken) >= 5, "the owner of the account is told"


def test_factors_roles_and_invitations_require_the_password(owner: TestClient, runtime: Runtime) -> None:
    page = owner.get("/admin/account").text
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", page)[1]  # type: ignore[index]
    fields = dict(re.findall(r'name="(form|locked)" value="([^"]+)"', page))
    before = everything(runtime, "security_event")
    for data in (
        {"action": "second-factor", "code": pyotp.TOTP(secret).now()},
        {"action": "passkey-out", "passkey": "1"},
        {"action": "recovery-codes"},
        {"action": "password", "new": OTHER, "again": OTHER},
    ):
        assert owner.post("/admin/account", data={**fields, **data}).status_code == 403
    elsewhere_same_session = owner.post("/admin/team", data={**fields, "action": "invite", "email": "e@x.example"})
    assert elsewhere_same_session.status_code in {403, 429}
    assert everything(runtime, "security_event") == before


def test_password_confirmations_are_limited_per_session(owner: TestClient) -> None:
    form = form_of(owner)
    said = [
        owner.post("/admin/account", data={**form, "action": "recovery-codes", "old": "guess"}).text for _ in range(7)
    ]
    assert ["Wait 15 minutes" in one for one in said] == [False] * 5 + [True] * 2
    answer = owner.post("/admin/account", data={**form, "action": "recovery-codes", "old": PASSWORD})
    assert "Wait 15 minutes" in answer.text


def test_stored_totp_secret_is_not_accepted_in_the_form(
    owner: TestClient, runtime: Runtime, clock: VirtualClock
) -> None:
    secret = authenticator(owner)
    with runtime.database.read() as session:
        stored = session.scalars(select(AdminRow.totp_secret).where(AdminRow.email == OWNER)).one()
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    analyst = elsewhere(owner)
    log_in(analyst, "analyst@x.example")
    data = {**form_of(analyst), "locked": stored, "action": "second-factor", "code": "000000", "old": PASSWORD}
    assert secret not in analyst.post("/admin/account", data=data).text


def test_recovery_code_works_once(owner: TestClient, runtime: Runtime) -> None:
    authenticator(owner)
    made = owner.post("/admin/account", data={**form_of(owner), "action": "recovery-codes", "old": PASSWORD}).text
    codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){5})</code>", made)
    assert len(codes) == 10
    assert codes[0] not in repr(everything(runtime))
    for expected in ("/admin", None):
        phoneless = elsewhere(owner)
        log_in(phoneless)
        typed = codes[0].upper().replace("-", " ")
        answer = phoneless.post("/admin/mfa", data={**form_of(phoneless, "/admin/mfa"), "code": typed})
        assert answer.headers.get("location") == expected


def test_password_reset_link_works_once_and_keeps_the_second_factor(
    owner: TestClient, runtime: Runtime, sink: Sink, clock: VirtualClock
) -> None:
    secret = authenticator(owner)
    stranger = elsewhere(owner)
    stranger.headers["accept-language"] = "en"
    known, unknown = (
        stranger.post("/admin/forgot-password", data={"email": one}) for one in (OWNER, "nobody@x.example")
    )
    assert known.text == unknown.text
    owner.app.state.outbox.wait()  # type: ignore[attr-defined]
    (mail,) = (one for one in sink.taken if b"Choose a new password" in one.raw)
    assert mail.recipient == OWNER
    body = mail.raw.decode().replace("=\r\n", "").replace("=3D", "=")
    link = re.search(r"http://courses\.example(/admin/reset/[\w-]+)", body)[1]  # type: ignore[index]
    assert "Choose a new password" in stranger.get(link).text
    for weak in ("short", "password1234", "letsgofysio1", "owner@x.example"):
        assert stranger.post(link, data={"password": weak, "again": weak}).status_code == 400
    assert (
        stranger.post(link, data={"password": OTHER, "again": OTHER}).headers["location"] == "/admin/login?done=reset"
    )
    assert stranger.post(link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 404
    assert owner.get("/admin").headers["location"] == "/admin/login", "sessions of before are over"
    assert log_in(stranger).status_code == 403  # type: ignore[attr-defined]
    assert log_in(stranger, password=OTHER).headers["location"] == "/admin/mfa"  # type: ignore[attr-defined]
    code = {**form_of(stranger, "/admin/mfa"), "code": next_code(secret)}
    assert stranger.post("/admin/mfa", data=code).headers["location"] == "/admin"


def test_password_reset_link_expires_after_an_hour(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, sink: Sink
) -> None:
    make_admin(runtime.database, clock)
    browser.post("/admin/forgot-password", data={"email": OWNER})
    browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    body = sink.taken[-1].raw.decode().replace("=\r\n", "").replace("=3D", "=")
    link = re.search(r"http://courses\.example(/admin/reset/[\w-]+)", body)[1]  # type: ignore[index]
    clock.advance(minutes=61)
    assert browser.get(link).status_code == 404


@pytest.mark.parametrize(("role", "held"), [(Role.OWNER, True), (Role.EDITOR, True), (Role.ANALYST, False)])
def test_owners_and_editors_need_a_second_factor_after_the_grace_period(
    runtime: Runtime, clock: VirtualClock, role: Role, held: bool
) -> None:
    strict = replace(runtime, settings=runtime.settings.model_copy(update={"second_factor_grace_days": 7}))
    browser = TestClient(create_app(strict), follow_redirects=False, headers={**CHROME, "accept-language": "en"})
    make_admin(runtime.database, clock, role=role)
    log_in(browser)
    assert browser.get("/admin").status_code == 200
    assert ("Set up an authenticator or a passkey before" in browser.get("/admin/account").text) == held
    clock.advance(days=8)
    log_in(browser)
    assert browser.get("/admin/campaigns").status_code == (303 if held else 200)
    if held:
        assert browser.get("/admin/campaigns").headers["location"] == "/admin/account"
        assert browser.post("/admin/campaigns", data=form_of(browser)).headers["location"] == "/admin/account"
        authenticator(browser)
        assert browser.get("/admin/campaigns").status_code == 200


def test_owner_cannot_take_over_accounts_and_factor_removal_is_reported(
    owner: TestClient, runtime: Runtime, clock: VirtualClock, sink: Sink
) -> None:
    second = make_admin(runtime.database, clock, "second@x.example")
    other = elsewhere(owner)
    log_in(other, "second@x.example")
    authenticator(other)
    form = {**form_of(owner, "/admin/team"), "password": PASSWORD}
    invited = owner.post("/admin/team", data={**form, "action": "invite", "email": "second@x.example", "role": "owner"})
    assert invited.status_code == 400
    assert "/admin/invite/" not in invited.text
    removed = owner.post("/admin/team", data={**form, "action": "reset-factors", "admin": str(second)})
    assert removed.status_code == 200
    owner.app.state.outbox.wait()  # type: ignore[attr-defined]
    assert (sink.taken[-1].recipient, "was removed" in str(sink.taken[-1].raw)) == ("second@x.example", True)
    assert other.get("/admin").headers["location"] == "/admin/login"
    with runtime.database.read() as session:
        change = session.scalars(select(AuditLogRow).where(AuditLogRow.action == "admin.remove_second_factor")).one()
        assert session.scalars(select(AdminRow.password_hash).where(AdminRow.id == second)).one() is not None
    assert change.subject == "second@x.example"


def test_security_events_contain_no_address(owner: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    make_admin(runtime.database, clock, "analyst@x.example", Role.ANALYST)
    with capture_logs() as logs:
        attacker = elsewhere(owner, "192.0.2.77")
        for _ in range(7):
            log_in(attacker, "owner@x.example", "guess")
        log_in(attacker, "nobody@x.example", "guess")
        log_in(attacker, "analyst@x.example")
        attacker.get("/admin/team")
        attacker.post("/admin/logout", data={"form": "forged"})
    kinds = {one["kind"] for one in logs if one["event"] == "security_event"}
    assert {"wrong password", "rate limited", "login", "refused role", "forged form"} <= kinds
    assert "@" not in repr(logs)
    assert "192.0.2.77" not in repr(logs)
    with runtime.database.read() as session:
        rows = session.scalars(select(SecurityEventRow)).all()
    assert {one.network for one in rows} == {"192.0.2.0/24", "unknown"}
    assert "Wrong password" in owner.get("/admin/account").text
    assert "192.0.2.0/24" in owner.get("/admin/audit-log").text


def test_passkey_challenges_are_limited(runtime: Runtime) -> None:
    local = replace(runtime, settings=runtime.settings.model_copy(update={"base_url": "http://localhost:8000"}))
    browser = TestClient(create_app(local), follow_redirects=False, headers=CHROME)
    statuses = [browser.post("/admin/login/passkey/begin").status_code for _ in range(63)]
    assert statuses == [200] * 60 + [429] * 3


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://testserver"])
def test_foreign_origins_are_refused(owner: TestClient, origin: str) -> None:
    """`null` comes from a sandboxed frame or a file; the Host header is whatever the sender says."""
    assert log_in(owner, origin=origin).status_code == 403  # type: ignore[attr-defined]


def test_trailing_slash_redirect_ignores_the_host_header(browser: TestClient) -> None:
    answer = browser.get("/nl/", headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/nl")
    for path in ("http://testserver//evil.example/", "/\\evil.example/", "/%5cevil.example/", "/nl//"):
        assert "location" not in browser.get(path).headers


def test_recovery_codes_are_deleted_with_their_factors(
    runtime: Runtime, clock: VirtualClock, owner: TestClient
) -> None:
    authenticator(owner)
    with runtime.database.read() as session:
        admin = session.scalars(select(AdminRow).where(AdminRow.email == OWNER)).one()
        assert admins.count_recovery_codes(session, admin.id) == 10
    make_admin(runtime.database, clock)  # at the command line, for who lost everything
    with runtime.database.read() as session:
        assert admins.count_recovery_codes(session, admin.id) == 0


def test_login_that_stops_before_the_second_factor_is_logged(owner: TestClient) -> None:
    authenticator(owner)
    log_in(elsewhere(owner, "192.0.2.77"))
    assert "Right password, before the second step" in owner.get("/admin/account").text


def test_expired_events_and_sessions_are_deleted(owner: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    clock.advance(days=15)
    log_in(owner)
    apply_retention(runtime)
    assert len(everything(runtime)["admin_session"]) == 1
    assert len(everything(runtime)["security_event"]) == 2
    clock.advance(days=91)
    apply_retention(runtime)
    assert everything(runtime)["security_event"] == everything(runtime)["admin_session"] == []


def test_removing_a_passkey_ends_other_sessions(owner: TestClient, runtime: Runtime, clock: VirtualClock) -> None:
    with runtime.database.write() as session:
        session.add(
            PasskeyRow(admin_id=1, credential_id="x", public_key=b"x", sign_count=0, name="x", created_at=clock.now())
        )
        opened = open_session(session, clock.now(), 1, "", second_factor_due=False)
    answer = owner.post(
        "/admin/account", data={**form_of(owner), "action": "passkey-out", "passkey": "1", "old": PASSWORD}
    )
    assert answer.status_code == 200
    assert find_identity(runtime.database, clock, opened.token) is None
    assert owner.get("/admin").status_code == 200


def test_password_reset_link_is_not_logged_when_its_mail_fails(
    browser: TestClient, runtime: Runtime, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_admin(runtime.database, clock)
    monkeypatch.setattr("rugcourse.web.outbox.send_now", lambda *_: 1 / 0)
    with capture_logs() as logs:
        for _ in range(2):
            browser.post("/admin/forgot-password", data={"email": OWNER})
            browser.app.state.outbox.wait()  # type: ignore[attr-defined]
    failed = [one for one in logs if one["event"] == "notice_not_sent"]
    assert [one["error"] for one in failed] == ["ZeroDivisionError"] * 2, "the thread goes on"
    assert "/admin/reset/" not in repr(logs)


@pytest.mark.parametrize(
    ("email", "days", "known"), [(OWNER, 364, True), (OWNER, 366, False), ("second@x.example", 1, False)]
)
def test_known_browser_is_valid_for_a_year_and_its_admin_only(
    owner: TestClient, runtime: Runtime, clock: VirtualClock, email: str, days: int, known: bool
) -> None:
    make_admin(runtime.database, clock, "second@x.example")
    clock.advance(days=days)
    for number in range(12):  # the account had its share, from everywhere
        for _ in range(5):
            log_in(elsewhere(owner, f"10.6.{number}.1"), email, "guess")
    assert (log_in(owner, email).status_code == 303) == known  # type: ignore[attr-defined]


@pytest.mark.parametrize("by", ["invitation", "factors", "role"])
def test_password_reset_link_ends_when_an_owner_restores_the_account(
    owner: TestClient, runtime: Runtime, clock: VirtualClock, by: str
) -> None:
    """Else whoever asked for it comes in, an hour long, past the second factor that is gone."""
    second = make_admin(runtime.database, clock, "second@x.example")
    asked = runtime.database.run(request_reset, clock, "second@x.example", Origin())
    assert asked is not None
    if by == "invitation":
        make_admin(runtime.database, clock, "second@x.example")
    elif by == "factors":
        runtime.database.run(reset_second_factor, clock.now(), second, 1)
    else:
        runtime.database.run(change_role, clock.now(), second, Role.EDITOR, 1)
    link = f"/admin/reset/{asked.token}"
    assert owner.get(link).status_code == 404
    assert owner.post(link, data={"password": OTHER, "again": OTHER}).status_code == 404


def test_unknown_addresses_are_not_stored(browser: TestClient) -> None:
    memory = browser.app.state.limits._limiter.storage  # type: ignore[attr-defined]
    for number in range(50):
        browser.post("/admin/forgot-password", data={"email": f"nobody{number}@x.example"})
    assert len(memory.events) < 5


def test_links_end_with_later_account_changes(runtime: Runtime, clock: VirtualClock) -> None:
    """An old link for a new password must not be quicker than the operator's, nor an old invitation outlive a change."""
    second = make_admin(runtime.database, clock, "second@x.example")
    asked = runtime.database.run(request_reset, clock, "second@x.example", Origin())
    invited = runtime.database.run(invite, clock, "second@x.example", Role.OWNER)
    assert asked is not None
    assert runtime.database.query(reset_email, clock.now(), asked.token) is None
    assert runtime.database.query(invited_email, clock.now(), invited.token) == "second@x.example"
    change_password(runtime.database, clock, second, OTHER, session_id=0)
    assert runtime.database.query(invited_email, clock.now(), invited.token) is None
    again = runtime.database.run(invite, clock, "second@x.example", Role.OWNER)
    make_admin(runtime.database, clock, "first@x.example")
    runtime.database.run(change_role, clock.now(), second, Role.EDITOR, None)
    assert runtime.database.query(invited_email, clock.now(), again.token) is None
