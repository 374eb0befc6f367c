"""What the page of a course tells search engines and social networks, and that no text of a course breaks out of it."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.support.builders import COURSE, LESSONS, lessons_to, ref

from rugcourse.bootstrap import Runtime
from rugcourse.course_editor.file_sync import import_courses
from rugcourse.links import TokenPurpose

HOSTILE = "</script><script>alert(1)</script> & \"'\u2028"


class Head(HTMLParser):
    """What a browser makes of a page: the text of each kind of script, and the properties that networks read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[tuple[str | None, str]] = []
        self.properties: dict[str, str] = {}
        self._is_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._is_script = tag == "script"
        if self._is_script:
            self.scripts.append((found.get("type"), ""))
        if tag == "meta":
            self.properties[str(found.get("property") or found.get("name"))] = str(found.get("content"))

    def handle_data(self, data: str) -> None:
        if self._is_script:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)

    def handle_endtag(self, tag: str) -> None:
        self._is_script = self._is_script and tag != "script"

    @property
    def data(self) -> dict[str, Any]:
        [(kind, text)] = self.scripts
        assert kind == "application/ld+json"
        return dict(json.loads(text))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_course_has_what_search_engines_require_of_courses(
    browser: TestClient, runtime: Runtime, language: str
) -> None:
    settings = runtime.site.settings
    url = f"{settings.base_url}/{language}/{COURSE}"
    data = Head(browser.get(f"/{language}/{COURSE}").text).data
    assert (data["@context"], data["@type"]) == ("https://schema.org", "Course")
    assert (data["url"], data["image"], data["inLanguage"]) == (url, f"{url}/share.png", language)
    assert data["name"] in browser.get(f"/{language}").text
    assert data["description"]
    assert data["provider"] == {"@type": "Organization", "name": settings.practice, "url": settings.base_url}
    assert (data["author"]["@type"], data["author"]["name"]) == ("Person", settings.author_name)
    assert data["isAccessibleForFree"] is True
    assert data["offers"]["category"] == "Free"
    instance = data["hasCourseInstance"]
    assert (instance["courseMode"], instance["courseWorkload"]) == ("Online", "PT27M")  # nine lessons of three minutes


def test_no_text_of_a_course_ends_the_script_or_begins_another(
    browser: TestClient, runtime: Runtime, tmp_path: Path
) -> None:
    folder = tmp_path / "courses" / "stress-en-rugpijn"
    shutil.copytree(LESSONS / folder.name, folder)
    for file in folder.glob("course.*.md"):
        text = re.sub(
            r"^title: .*$", lambda _: f"title: {json.dumps(HOSTILE)}", file.read_text(), flags=re.MULTILINE, count=1
        )
        file.write_text(text)
    import_courses(runtime.database, runtime.clock, folder.parent)
    head = Head(browser.get(f"/nl/{folder.name}").text)
    assert head.data["name"].startswith("</script><script>alert(1)</script> & \"'")
    assert head.properties["og:title"] == head.data["name"]


@pytest.mark.parametrize(("language", "locale", "other"), [("nl", "nl_NL", "en_GB"), ("en", "en_GB", "nl_NL")])
@pytest.mark.parametrize("below", ["", "/test", "/lessons/stress"])
def test_a_shared_page_shows_its_own_title_with_the_picture_of_its_course(
    browser: TestClient, runtime: Runtime, language: str, locale: str, other: str, below: str
) -> None:
    base_url, path = runtime.settings.base_url, f"/{language}/{COURSE}"
    page = browser.get(path + below).text
    found = Head(page).properties
    assert re.search(rf"<h1>{re.escape(found['og:title'])}</h1>", page)
    assert found["og:description"]
    assert found["og:url"] == base_url + path + below
    assert (found["og:locale"], found["og:locale:alternate"]) == (locale, other)
    assert (found["og:site_name"], found["twitter:card"]) == (runtime.settings.practice, "summary_large_image")
    assert found["og:image"] == f"{base_url}{path}/share.png"


def test_the_shared_picture_has_the_announced_size_and_others_may_show_it(browser: TestClient) -> None:
    found = Head(browser.get(f"/nl/{COURSE}").text).properties
    answer = browser.get(f"/nl/{COURSE}/share.png")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    with Image.open(BytesIO(answer.content)) as picture:
        assert picture.size == (int(found["og:image:width"]), int(found["og:image:height"])) == (1200, 630)


def test_what_a_reader_gets_by_mail_is_not_announced_to_networks(
    browser: TestClient, runtime: Runtime, email: str
) -> None:
    mail = ref(runtime, lessons_to(runtime, email)[0].id)
    for path, purpose in (("w", TokenPurpose.LESSON), ("t", TokenPurpose.RETEST), ("p", TokenPurpose.PREFERENCES)):
        found = Head(browser.get(f"/{path}/{runtime.signer.sign_mail(purpose, mail)}").text)
        assert not [name for name in found.properties if name.startswith(("og:", "twitter:"))]
