"""Bulletins of IBKR: about an exchange or for everybody. TWS tells the day's again at each connect; each once here."""

from __future__ import annotations

from pipeline.ingest.part import Hub, Part
from pipeline.messages import News

KINDS = {1: "news", 2: "exchange closed", 3: "exchange open"}
PROVIDER = "IBKR"


class Bulletins(Part):
    """Published as `News` of contract 0, whose time TWS does not tell; `extra` has the kind and the exchange."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._told: dict[int, str] = {}  # ids begin anew each day

    def connected(self) -> None:
        self.hub.connection.client.reqNewsBulletins(True)

    def updateNewsBulletin(self, msgId: int, msgType: int, newsMessage: str, originExch: str) -> None:
        """One bulletin."""
        if self._told.get(msgId) == newsMessage:
            return
        self._told[msgId] = newsMessage
        extra = f"{KINDS.get(msgType, msgType)} {originExch}".rstrip()
        self.hub.publish(
            News(con_id=0, time_ns=0, provider=PROVIDER, article_id=str(msgId), headline=newsMessage, extra=extra,
                 recv_ns=self.hub.clock.now_ns())
        )  # fmt: skip
