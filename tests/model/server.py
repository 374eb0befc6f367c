"""Rules: how the mail server of the world receives."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.model.base import Play
from tests.model.groups import WHO, in_group
from tests.model.mail_server import Behaviour

_GROUP = "server"
_FOR_ONE = [one for one in Behaviour if one not in {Behaviour.AWAY, Behaviour.REFUSES_SENDER, Behaviour.FINE}]
_FOR_ALL = [one for one in Behaviour if one not in {Behaviour.NO_SUCH_USER, Behaviour.FINE}]


class ServerRules(Play):
    @in_group(_GROUP, who=WHO, behaviour=st.sampled_from(_FOR_ONE))
    def server_fails_for(self, who: int, behaviour: Behaviour) -> None:
        self.product.server.for_recipient[self.reader(who).email] = behaviour

    @in_group(_GROUP, behaviour=st.sampled_from(_FOR_ALL))
    def server_fails(self, behaviour: Behaviour) -> None:
        self.product.server.for_all = behaviour

    @in_group(_GROUP)
    def server_is_fine(self) -> None:
        self.product.server.for_all = Behaviour.FINE
        self.product.server.for_recipient.clear()
