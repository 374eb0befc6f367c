"""Template code that got in all the same: what it reaches and what it does not, in the words of Jinja's own sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment, is_internal_attribute, modifies_known_mutable

from rugcourse.emails.sandbox import Sandbox, _is_plain


class Row:
    """As a row of the store: with attributes, a method, and something that is nobody's business."""

    def __init__(self) -> None:
        self.name = "Sam"
        self._secret = "secret"
        self.tags = ["knee"]

    def first(self) -> str:
        return self.tags[0]


def generator() -> Any:
    yield 1


VALUES: list[object] = [
    "text", b"bytes", 1, 1.5, True, None, [1], (1,), {1}, {"a": 1}, Row(), Row, Row().first, generator, generator(), len,
    type, object(), Exception("x"), iter([1]), Row.__init__.__code__,
]  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "row.__class__", "row._secret", "row.first.__func__.__globals__", "''.__class__.__mro__[1].__subclasses__()",
        "row.tags.append('x')", "row.tags.clear()", "{}.update(a=1)", "row.tags.sort()", "made.gi_frame.f_globals",
        "'{0.__class__}'.format(row)", "'{a.__class__}'.format_map({'a': row})", "row['__class__']", "row|attr('__class__')",
        "cycler.__init__.__globals__.os", "range(10**9)|list", "kind.mro()", "function.func_globals", "row['_secret']",
    ],
)  # fmt: skip
def test_template_sandbox_blocks_attributes_behind_values_and_changes(code: str) -> None:
    row = Row()
    template = Sandbox().from_string(f"{{{{ {code} }}}}")
    try:
        shown = template.render(row=row, made=generator(), kind=Row, function=generator)
    except (SecurityError, UndefinedError, OverflowError, AttributeError):
        shown = ""
    assert "secret" not in shown
    assert "class" not in shown
    assert "builtin" not in shown
    assert row.tags == ["knee"]


def test_template_sandbox_allows_what_templates_need() -> None:
    template = Sandbox().from_string("{{ row.name }} {{ row.first() }} {{ mail.to }} {{ '%s' % row.tags[0] }}")
    assert template.render(row=Row(), mail={"to": "sam@x.example"}) == "Sam knee sam@x.example knee"


@given(st.sampled_from(VALUES), st.text(min_size=1, max_size=20))
def test_a_plain_name_is_one_that_jinja_would_let_through_whatever_the_value(value: object, name: str) -> None:
    _agree(value, name)


def test_sandbox_judges_every_attribute_of_these_values_as_jinja_does() -> None:
    for value in VALUES:
        for name in dir(value):
            _agree(value, name)


def _agree(value: object, name: str) -> None:
    if not _is_plain(name) or isinstance(value, type(Row.__init__.__code__)):
        return  # code objects are refused as a whole; nothing plain leads to one
    assert not is_internal_attribute(value, name), (value, name)
    assert not modifies_known_mutable(value, name), (value, name)
    found = getattr(value, name, None)
    assert ImmutableSandboxedEnvironment().wrap_str_format(found) is None, (value, name)
