"""The template engine of everything that holds text of an author: Jinja's immutable sandbox, made quick for our own
templates.

Jinja looks at the value behind each attribute, which made a page of a quiz question cost half as many calls again. Most
attributes can be told by their name: a plain one leads to nothing that the sandbox keeps away, whatever its value is.
All others go the whole way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Names that Jinja decides about by the value: what changes lists, sets and mappings, what formats (a format string can
# read attributes), and what leads from a function or type to its frame, code and relatives.
_BY_VALUE = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "difference_update",
        "discard",
        "extend",
        "extendleft",
        "format",
        "format_map",
        "insert",
        "intersection_update",
        "mro",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "rotate",
        "setdefault",
        "sort",
        "symmetric_difference_update",
        "update",
    ]
)
_PREFIXES = ("_", "ag_", "co_", "cr_", "f_", "func_", "gi_", "im_", "tb_")


class Sandbox(ImmutableSandboxedEnvironment):
    """See the module."""

    def getattr(self, obj: Any, attribute: str) -> Any | Undefined:
        if _is_plain(attribute):
            return Environment.getattr(self, obj, attribute)
        return super().getattr(obj, attribute)


@lru_cache(maxsize=4096)  # the attributes of our own templates, some hundreds
def _is_plain(attribute: str) -> bool:
    return not attribute.startswith(_PREFIXES) and attribute not in _BY_VALUE
