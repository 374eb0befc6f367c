"""An owner may do what an editor may, and an editor what an analyst may."""

from __future__ import annotations

from rugcourse.auth.roles import includes
from rugcourse.db.models import Role


def test_each_role_includes_itself_and_those_below_it() -> None:
    order = [Role.ANALYST, Role.EDITOR, Role.OWNER]
    assert {*order} == {*Role}
    for place, role in enumerate(order):
        assert [includes(role, one) for one in order] == [other <= place for other in range(3)]
