"""What every request of a client is, and how one is refused. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


class BadRequest(Exception):
    """A request that TWS would refuse: the id it belongs to (-1: none), TWS's code, TWS's text."""

    def __init__(self, req_id: int, code: int, text: str) -> None:
        super().__init__(text)
        self.req_id, self.code, self.text = req_id, code, text


@dataclass(frozen=True, slots=True)
class Request:
    """Any request; `req_id` is -1 where the protocol has none."""

    req_id: int = -1


@dataclass(frozen=True, slots=True)
class Plain(Request):
    """A request that is all said by its name: a cancel, or a question without an argument."""

    name: str = ""
