"""The copy of everything, and the privacy page that every mail leads to."""

from __future__ import annotations

import json
from email import message_from_bytes, policy

from tests.support.builders import course_of
from tests.support.privacy import data_export
from tests.support.smtp_sink import Sink

from rugcourse import paths
from rugcourse.bootstrap import Runtime


def test_export_contains_all_data_in_readable_form(runtime: Runtime, email: str) -> None:
    sections = json.loads(json.dumps(data_export(runtime, email).sections))
    assert sections["person"][0]["email"] == email
    assert sections["schedule"][0]["hour"] == 8
    assert [one["kind"] for one in sections["mails"]] == ["confirm", "welcome", "lesson"]
    assert [one["kind"] for one in sections["opens_and_clicks"]] == ["open", "answer"]
    course = course_of(runtime).course
    assert sections["answers"][0]["first_answer"] == course.lessons[0].texts["nl"].quiz[0].options[0].text
    asked = course.tests["nl"].questions[1]
    assert sections["tests"][0]["answers"][asked.question] == asked.options[0].text
    assert sections["remarks"][0]["remark"] == "Mooi <script>"
    assert sections["tags"] == [{"tag": "autumn"}]
    assert sections["consents"][0]["text"].startswith("Ja, stuur me de lessen")
    assert sections["repetition"][0]["missed"] is True


def test_every_mail_links_the_privacy_page_in_text_and_html(runtime: Runtime, sink: Sink, email: str) -> None:
    mails = [message_from_bytes(one.raw, policy=policy.default) for one in sink.taken if one.recipient == email]
    assert len(mails) == 3
    for mail in mails:
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part is not None
            assert runtime.links.privacy("nl") in part.get_content()
    folder = paths.folder("templates") / "email"
    frames = [folder / "layout.mjml", *folder.glob("*.txt")]
    signed = {one.name for one in frames if "branding.postal_address" in one.read_text(encoding="utf-8")}
    assert {one.name for one in frames if "privacy_url" in one.read_text(encoding="utf-8")} == signed
