"""What can be wrong with an article, in sentences that say how to correct it.

The sentences are English; `ArticleError.message_in` translates them for a page.
"""

from __future__ import annotations

from rugcourse.errors import InvalidInput
from rugcourse.i18n import decimal, translations
from rugcourse.locales import SOURCE_LANGUAGE


class ArticleError(InvalidInput):
    """An article, or the way somebody wants to cut it, can't be used.

    `problem` is a sentence marked with `N_`, with placeholders for `values`.
    """

    def __init__(self, problem: str, **values: str | int) -> None:
        self.problem = problem
        self.values = values
        super().__init__(self.message_in(SOURCE_LANGUAGE))

    def message_in(self, language: str) -> str:
        """Return the message in a language of the interface; empty for one without a message."""
        if not self.problem:
            return ""  # gettext has the head of the catalogue under the empty message
        shown = {name: decimal(one, language) if isinstance(one, int) else one for name, one in self.values.items()}
        return translations(language).gettext(self.problem) % shown
