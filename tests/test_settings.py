"""Settings: each mistake names its variable and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from rugcourse.setting_values import SmtpServer
from rugcourse.settings import MADE_UP_ADDRESS, Settings, SettingsError, load_settings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25, security="opportunistic")),
        (
            "smtp://u%40x:p%3Aw@mail.example:587?starttls=always",
            SmtpServer("mail.example", 587, "u@x", "p:w", "starttls"),
        ),
        ("smtp://user:pass@mail.example", SmtpServer("mail.example", 25, "user", "pass", "starttls")),
        ("smtp://user:pass@127.0.0.1?starttls=never", SmtpServer("127.0.0.1", 25, "user", "pass", "plain")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, security="tls")),
        ("smtp://127.0.0.1:1025?starttls=never", SmtpServer("127.0.0.1", 1025, security="plain")),
    ],
)
def test_a_mail_server_is_read_from_its_address(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.from_url(url) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUGCOURSE_SMTP_URL", "http://mail.example"),
        ("RUGCOURSE_SMTP_URL", "smtp://mail.example?starttls=maybe"),
        ("RUGCOURSE_SMTP_URL", "smtp://user:pass@mail.example?starttls=auto"),
        ("RUGCOURSE_SMTP_URL", "smtp://user:pass@mail.example?starttls=never"),
        ("RUGCOURSE_BASE_URL", "courses.example"),
        ("RUGCOURSE_SECRET_KEYS", "short"),
        ("RUGCOURSE_SENDER_ADDRESS", "nobody"),
        ("RUGCOURSE_PORT", "many"),
        ("RUGCOURSE_SENDER_ADDRESS", "cursus@münchen.example"),
        ("RUGCOURSE_REPLY_TO", "nobody"),
        ("RUGCOURSE_BOUNCE_MAILBOX", "pop3://b:s@mail.example"),
        ("RUGCOURSE_SENDGRID_KEY", "nonsense"),
        ("RUGCOURSE_COMPLAINT_STOP", "0"),
        ("RUGCOURSE_COMPLAINT_STOP", "0.05"),
        ("RUGCOURSE_DEFAULT_LANGUAGE", "fr"),
        ("RUGCOURSE_DEFAULT_LANGUAGE", "NL"),
        ("RUGCOURSE_TICK_SECONDS", "0"),
        ("RUGCOURSE_TICK_SECONDS", "nan"),
        ("RUGCOURSE_WORKER_THREADS", "0"),
        ("RUGCOURSE_LEASE_SECONDS", "0"),
        ("RUGCOURSE_LEASE_SECONDS", "inf"),
        ("RUGCOURSE_MAX_ATTEMPTS", "0"),
        ("RUGCOURSE_GRACE_HOURS", "-1"),
        ("RUGCOURSE_SMTP_TIMEOUT_SECONDS", "0"),
        ("RUGCOURSE_PORT", "-1"),
        ("RUGCOURSE_PORT", "99999"),
        ("RUGCOURSE_BASE_URL", "https://x.example/ "),
        ("RUGCOURSE_BASE_URL", "https://x.example/?a=b"),
        ("RUGCOURSE_BASE_URL", "https://x.example/#a"),
        ("RUGCOURSE_BASE_URL", "https://x.example:99999"),
        ("RUGCOURSE_SENDER_ADDRESS", "a@b@c.example"),
        ("RUGCOURSE_SENDER_ADDRESS", "a@b.example,c@d.example"),
        ("RUGCOURSE_SENDER_ADDRESS", "Sam<a@b.example>"),
        ("RUGCOURSE_QUIET_HOURS", "never"),
        ("RUGCOURSE_TRUSTED_PROXIES", "*"),
        ("RUGCOURSE_TRUSTED_PROXIES", "127.0.0.1,0.0.0.0/0"),
        ("RUGCOURSE_TRUSTED_PROXIES", "proxy.example"),
        ("RUGCOURSE_TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_a_lease_outlasts_a_silent_mail_server() -> None:
    """Else nothing would ever be sent: each batch would end before its first message."""
    with pytest.raises(SettingsError, match=r"RUGCOURSE_LEASE_SECONDS: 300 .* set it to 2400 or more"):
        load_settings(smtp_timeout_seconds=600)
    assert load_settings(smtp_timeout_seconds=600, lease_seconds=2400).lease_seconds == 2400


LINES = '{"nl": "Dokter.", "en": "Doctor."}'


def test_the_author_has_a_line_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUGCOURSE_AUTHOR_LINES", LINES)
    settings = load_settings()
    assert [settings.author_line(language) for language in ("nl", "en")] == ["Dokter.", "Doctor."]


def test_a_language_without_a_line_shows_that_of_the_default_language() -> None:
    assert load_settings(author_lines='{"nl": "Dokter."}').author_line("en") == "Dokter."
    assert load_settings(author_lines=LINES, default_language="en").author_line("xx") == "Doctor."


def test_lines_about_the_author_come_from_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(f"RUGCOURSE_AUTHOR_LINES='{LINES}'\n")
    assert load_settings().author_line("en") == "Doctor."
    (tmp_path / "lines").write_text('{"nl": "Arts.\\n"}\n')
    monkeypatch.setenv("RUGCOURSE_AUTHOR_LINES_FILE", "lines")
    assert load_settings().author_line("en") == "Arts."


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("Physiotherapist.", "expected languages with a line each"),
        ("[1]", "expected languages with a line each"),
        ('{"nl": 1}', "expected languages with a line each"),
        ('{"nl": " "}', "expected languages with a line each"),
        ('{"nl": "Arts.", "xx": "?"}', "'xx' has no catalogue"),
        ('{"nl": "Arts.", "../en": "?"}', "'../en' has no catalogue"),
        ('{"en": "Doctor."}', "there is no line in nl, the default language"),
        ("{}", "there is no line in nl, the default language"),
    ],
)
def test_lines_about_the_author_that_are_wrong_are_refused(lines: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"RUGCOURSE_AUTHOR_LINES: {message}"):
        load_settings(author_lines=lines)


def test_proxies_are_named_by_address_or_network() -> None:
    assert load_settings(trusted_proxies="127.0.0.1, ::1,172.30.57.0/24").trusted_proxies.endswith("172.30.57.0/24")
    assert load_settings(trusted_proxies="").trusted_proxies == ""


def test_a_line_of_the_example_file_that_is_empty_is_as_good_as_unset(tmp_path: Path) -> None:
    example = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in example.splitlines() if line.startswith("# RUGCOURSE_")]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    assert load_settings() == Settings(_env_file=None)


def test_quiet_hours_are_off_when_set_to_none() -> None:
    assert load_settings(quiet_hours="none").quiet is None


def test_settings_come_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "RUGCOURSE_PRACTICE=De Praktijk\nRUGCOURSE_SECRET_KEYS=a-new-key-0123456789,the-old-key-0123456\n"
    )
    settings = load_settings()
    assert settings.practice == "De Praktijk"
    assert settings.secret_keys == ("a-new-key-0123456789", "the-old-key-0123456")


def test_the_public_default_key_is_refused_where_it_matters() -> None:
    with pytest.raises(SettingsError, match="RUGCOURSE_SECRET_KEYS"):
        load_settings().require_own_secret()


_OWN = {"sender_address": "les@praktijk.nl", "postal_address": "Dorpsstraat 2, Ede"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"postal_address": MADE_UP_ADDRESS}, ["RUGCOURSE_POSTAL_ADDRESS"]),
        ({"sender_address": "cursus@rugcourse.example"}, ["RUGCOURSE_SENDER_ADDRESS"]),
        ({"sender_address": "x@mail.test", "postal_address": MADE_UP_ADDRESS}, ["POSTAL_ADDRESS", "SENDER_ADDRESS"]),
        ({}, []),
    ],
)
def test_settings_require_an_own_sender_for_real_mail(change: dict[str, str], named: list[str]) -> None:
    settings = load_settings(base_url="https://cursus.praktijk.nl", **{**_OWN, **change})
    if not named:
        settings.require_own_sender()
        return
    with pytest.raises(SettingsError) as refused:
        settings.require_own_sender()
    assert [name for name in named if name not in str(refused.value)] == []


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8000", "http://localhost", "https://courses.example"])
def test_a_rehearsal_on_this_machine_needs_no_address(base_url: str) -> None:
    load_settings(base_url=base_url).require_own_sender()


def test_the_example_file_names_every_setting() -> None:
    example = (Path(__file__).parent.parent / ".env.example").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"# RUGCOURSE_{name.upper()}=" not in example]
    assert missing == []


@pytest.mark.parametrize(
    ("settings", "known_by"),
    [
        ({"sender_address": "les@praktijk.nl"}, "praktijk.nl"),
        ({"sender_address": "les@mail.fysiotherapie-jansen.nl"}, "mail.fys-825298"),
        ({"sender_address": "les@mail.fysiotherapie-pieters.nl"}, "mail.fys-24ac10"),
        ({"sender_address": "a@b.nl"}, "b.nl-f2f247"),
        ({"sender_address": "les@praktijk.nl", "feedback_id": "jansen"}, "jansen"),
    ],
)
def test_gmail_knows_all_our_mail_by_one_short_name(settings: dict[str, str], known_by: str) -> None:
    """Its documentation wants 5 to 15 characters, the same in all mail of a sender."""
    found = load_settings(**settings).feedback_sender_id
    assert found == known_by
    assert 5 <= len(found) <= 15


@pytest.mark.parametrize("wrong", ["abcd", "a-name-that-is-too-long", "two:parts", "a b c d"])
def test_a_name_that_gmail_would_not_take_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="RUGCOURSE_FEEDBACK_ID"):
        load_settings(feedback_id=wrong)
