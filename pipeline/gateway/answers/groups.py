"""Answers about display groups, whose members share one contract, and about the verification of partners."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers.area import Answer, Area, House, PlainAnswer
from pipeline.gateway.asks.groups import GroupEvents, UpdateGroup
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.session import Session
from pipeline.gateway.tells.frames import frame

GROUPS = range(1, 8)
NOTHING, COMBO = "none", "combo"
NO_PARTNER = "Verification of partners is not available"


class Groups(Area):
    """Seven groups of one TWS; what one client shows in a group, all who listen to it are told."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._shown = dict.fromkeys(GROUPS, NOTHING)
        self._listening: dict[tuple[Session, int], int] = {}  # → group

    def answers(self) -> Mapping[type[Request], Answer]:
        return {GroupEvents: self._subscribe, UpdateGroup: self._update}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {
            "queryDisplayGroups": lambda session, req_id: session.send(
                frame(67, 1, req_id, "|".join(map(str, GROUPS)))
            ),
            "unsubscribeFromGroupEvents": self._unsubscribe,
            "verify": lambda session, _: session.send(frame(66, 1, False, NO_PARTNER)),
            "verifyAndAuth": lambda session, _: session.send(frame(70, 1, False, NO_PARTNER)),
        }

    def forget(self, session: Session) -> None:
        self._listening = {key: group for key, group in self._listening.items() if key[0] is not session}

    def _subscribe(self, session: Session, asked: GroupEvents) -> None:
        if asked.group not in GROUPS:
            raise BadRequest(asked.req_id, 321, f"Error validating request.-'b1' : cause - Invalid group {asked.group}")
        self._listening[session, asked.req_id] = asked.group
        session.send(_updated(asked.req_id, self._shown[asked.group]))

    def _unsubscribe(self, session: Session, req_id: int) -> None:
        if self._listening.pop((session, req_id), None) is None:
            raise BadRequest(req_id, 300, f"Can't find EId with tickerId:{req_id}")

    def _update(self, session: Session, asked: UpdateGroup) -> None:
        group = self._listening.get((session, asked.req_id))
        if group is None:
            raise BadRequest(asked.req_id, 300, f"Can't find EId with tickerId:{asked.req_id}")
        if asked.contract not in (NOTHING, COMBO) and not self._exists(asked.contract):
            text = f"Error validating request.-'b1' : cause - Invalid contract {asked.contract[:40]}"
            raise BadRequest(asked.req_id, 321, text)
        self._shown[group] = asked.contract
        for (listener, req_id), heard in self._listening.items():
            if heard == group:
                listener.send(_updated(req_id, asked.contract))

    def _exists(self, text: str) -> bool:
        con_id, _, exchange = text.partition("@")
        if not con_id.isascii() or not con_id.isdigit() or len(con_id) > 10:
            return False
        x = self.house.brokerage.universe.by_con_id.get(int(con_id))
        return x is not None and (not exchange or exchange in x.valid_exchanges.split(","))


def _updated(req_id: int, contract: str) -> bytes:
    return frame(68, 1, req_id, contract)
