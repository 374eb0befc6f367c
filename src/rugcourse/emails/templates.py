"""Renders mail templates in two passes.

The first pass happens once per lesson version and language. It fills in everything that is the same for all readers
(`[[ … ]]` and `[% … %]`), compiles MJML to HTML, and compiles the result as a Jinja template: an `EmailTemplate`. The
second pass happens per reader (`{{ … }}` and `{% … %}`) and costs a fraction of a millisecond.

Text by authors can't become template code. The delimiters of the second pass are random, different in each process
and stored nowhere, so nobody can type them; `{{` in a text is two braces. A reader's name is only ever a value of the
second pass. Both passes run in Jinja's sandbox nevertheless, so that a mistake here can only cause a wrong mail.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2 import TemplateError as JinjaError
from markupsafe import Markup
from mjml import mjml2html

from rugcourse import paths
from rugcourse.design import DesignTokens
from rugcourse.emails.sandbox import Sandbox, SharedCode
from rugcourse.errors import ConfigError
from rugcourse.i18n import translations

_EXPRESSION = re.compile(r"\{\{ (.+?) \}\}")  # in our own templates: code of the second pass
_STATEMENT = re.compile(r"\{% (.+?) %\}")


def _random_delimiter() -> str:
    return f"x{secrets.token_hex(8)}"


def _random_mark() -> str:
    """Return four private-use characters: as short as a word, so that they hardly affect how text is wrapped."""
    return "".join(chr(0xF0000 + secrets.randbelow(0xFFFD)) for _ in range(4))


_OPEN, _CLOSE = _random_delimiter(), _random_delimiter()  # of an expression of the second pass
_BEGIN, _END = _random_delimiter(), _random_delimiter()  # of a statement
_COMMENT, _COMMENT_END = _random_delimiter(), _random_delimiter()
_MERGE, _MERGE_END = _random_mark(), _random_mark()  # enclose the code of `deferred` during the first pass

MAX_HTML_BYTES = 100_000  # Gmail cuts a mail off at 102 kB
ADVISED_HTML_BYTES = 80_000  # a mail takes seconds on a slow connection, and a recap makes it larger
_MAX_LINE = 500  # static part of a line; with a reader's values, RFC 5321 4.5.3.1.6 allows 998 bytes

# Without `mj-include`: templates extend each other with Jinja, which can't leave its folder.
_KNOWN_TAGS = {"mjml", "mj-head", "mj-title", "mj-preview", "mj-attributes", "mj-all", "mj-class", "mj-style"}
_KNOWN_TAGS |= {"mj-raw", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero", "mj-text"}
_KNOWN_TAGS |= {"mj-table", "mj-button", "mj-image", "mj-divider", "mj-spacer"}


class TemplateError(ConfigError):
    """A mail template is broken. The message names the template and the mistake."""


class EmailTooLarge(TemplateError):
    """Gmail would cut the mail off. `html_bytes`: its size."""

    def __init__(self, name: str, html_bytes: int) -> None:
        super().__init__(f"{name}: {html_bytes // 1000} kB of HTML; Gmail cuts a mail off at 102 kB")
        self.html_bytes = html_bytes


@dataclass(frozen=True, slots=True)
class EmailTemplate:
    """A compiled mail, in which only the values of each reader are missing.

    `targets`: the targets of its numbered links; `{{ link(n) }}` in the HTML stands for target n. `html_bytes`: the
    size of its HTML, with template code about as long as the values of a reader.
    """

    subject: str
    html: Template
    text: Template
    targets: tuple[str, ...] = ()
    html_bytes: int = 0

    def write(self, values: Mapping[str, object]) -> tuple[str, str]:
        """Render the HTML and the text for one reader. Lines end in CR LF. Raises TemplateError."""
        try:
            return _fill(self.html, values), _fill(self.text, values)
        except Exception as error:
            # Any error concerns this mail only: the others of its batch go out.
            raise TemplateError(f"“{self.subject}”: {error!r}") from error


def compile_template(
    name: str,
    language: str,
    subject: str,
    values: Mapping[str, object],
    targets: tuple[str, ...] = (),
    *,
    tokens: DesignTokens,
) -> EmailTemplate:
    """Run the first pass over `templates/email/<name>.mjml` and `.txt`. Raises TemplateError, such as EmailTooLarge.

    `tokens`: the colours and fonts, which macros of the templates use too.
    """
    fixed = {**values, "language": language, "subject": subject}
    try:
        html = _to_html(name, _render(_first_pass(language, tokens, html=True), f"{name}.mjml", fixed))
        text = _render(_first_pass(language, tokens, html=False), f"{name}.txt", fixed)
        if len(html) > MAX_HTML_BYTES:  # it is ASCII
            raise EmailTooLarge(name, len(html))
        compiled = _second_pass(html=True).from_string(html), _second_pass(html=False).from_string(text)
    except JinjaError as error:
        raise TemplateError(f"{name}: {error}") from error
    return EmailTemplate(subject, *compiled, targets, len(html))


def deferred(expression: str) -> Markup:
    """Return template code for the second pass, as a value of the first.

    It is enclosed in two random marks until the first pass is over, so that escaping and gettext need not know about
    it.
    """
    return Markup(_MERGE + expression + _MERGE_END)  # noqa: S704 - only our own code calls this, with constants


def _fill(template: Template, values: Mapping[str, object]) -> str:
    # Like `Template.render`, without copying Jinja's globals, which no mail uses, for every reader.
    return "".join(template.root_render_func(template.new_context(dict(values), shared=True)))


def _render(environment: Environment, template: str, values: Mapping[str, object]) -> str:
    source = environment.get_template(template).render(values)
    return source.replace(_MERGE, f"{_OPEN} ").replace(_MERGE_END, f" {_CLOSE}")


class _Templates(FileSystemLoader):
    """Loads our templates and replaces `{{ … }}` and `{% … %}` by the delimiters of this process."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_fresh = super().get_source(environment, template)
        source = _EXPRESSION.sub(rf"{_OPEN} \1 {_CLOSE}", source)
        return _STATEMENT.sub(rf"{_BEGIN} \1 {_END}", source), path, is_fresh


@cache
def _first_pass_code(*, html: bool) -> SharedCode:  # noqa: ARG001 - it is the key: escaping is part of the code
    return SharedCode()


@lru_cache(maxsize=32)
def _first_pass(language: str, tokens: DesignTokens, *, html: bool) -> Environment:
    environment = Sandbox(
        loader=_Templates(paths.folder("templates") / "email"),
        bytecode_cache=_first_pass_code(html=html),
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.globals["deferred"] = deferred
    environment.globals.update(tokens.email_values)
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return environment


@cache
def _second_pass(*, html: bool) -> Environment:
    return Sandbox(
        variable_start_string=_OPEN,
        variable_end_string=_CLOSE,
        block_start_string=_BEGIN,
        block_end_string=_END,
        comment_start_string=_COMMENT,
        comment_end_string=_COMMENT_END,
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_on_one_line,
        newline_sequence="\r\n",
    )


def _on_one_line(value: object) -> object:
    """Join the lines of a reader's value: only the template itself may begin new lines."""
    return " ".join(value.splitlines()) if isinstance(value, str) and ("\n" in value or "\r" in value) else value


def _to_html(name: str, source: str) -> str:
    unknown = set(re.findall(r"<(mj[a-z-]*)", source)) - _KNOWN_TAGS
    if unknown:
        raise TemplateError(f"{name}.mjml: unknown tag <{min(unknown)}>; MJML would drop it silently")
    try:
        html: str = mjml2html(
            source, fonts={}, disable_comments=True
        )  # no web fonts: mails must not contact a third party
    except ValueError as error:
        raise TemplateError(f"{name}.mjml: {error}") from None
    # Prepare the static part for SMTP once: in ASCII, and no line begins with a dot (RFC 5321 4.5.2).
    lines = (f" {line}" if line.startswith(".") else line for line in _short_lines(html))
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode()


def _short_lines(html: str) -> list[str]:
    """Break long lines at a space: HTML and style attributes treat a line break like one."""
    lines: list[str] = []
    for long_line in html.split("\n"):
        line = long_line
        while len(line.encode()) > _MAX_LINE:
            cut = line.rfind(" ", 0, _MAX_LINE // 2)
            if cut <= 0:
                cut = line.find(" ")
            if cut <= 0:
                break
            lines.append(line[:cut])
            line = line[cut + 1 :]
        lines.append(line)
    return lines
