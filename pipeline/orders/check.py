"""Do our orders and fills equal what TWS says when it is asked for all of them? Pure: what differed, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.messages import AccountCheck, Difference, Execution, OrderState

NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Before:
    """What was known when TWS was asked: open orders by key, ids of fills."""

    orders: Mapping[tuple[int, int], OrderState]
    executions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What TWS said: orders that it named with their keys, fills, and open orders that it did not name."""

    orders: Mapping[tuple[int, int], OrderState]
    executions: Iterable[Execution]
    unnamed: Iterable[OrderState]


def differences(before: Before, answer: Answer, own_client: int, recv_ns: int) -> list[Difference]:
    """Everything that TWS had to be asked for. What our own client sent meanwhile is no difference."""
    found: list[Difference] = []

    def note(account: str, part: str, key: str, ours: str, tws: str) -> None:
        found.append(
            Difference(account=account, part=part, key=key, ours=ours, tws=tws, repaired=True, recv_ns=recv_ns)
        )

    for key, told in answer.orders.items():
        held = before.orders.get(key)
        if held is None and told.client_id != own_client:
            note(told.account, "orders", name(told), NONE, told.status)
    for gone in answer.unnamed:
        note(gone.account, "orders", name(gone), gone.status, NONE)
    for fill in answer.executions:
        if fill.exec_id not in before.executions and fill.client_id != own_client:
            note(fill.account, "executions", fill.exec_id, NONE, f"{fill.side} {fill.shares:g} at {fill.price:g}")
    return found


def checks(accounts: Iterable[str], answer: Answer, found: list[Difference], recv_ns: int) -> list[AccountCheck]:
    """One row an account and part."""
    fills = list(answer.executions)
    made = []
    for account in accounts:
        compared = {
            "orders": sum(order.account == account for order in answer.orders.values()),
            "executions": sum(fill.account == account for fill in fills),
        }
        for part, count in compared.items():
            differing = sum(one.account == account and one.part == part for one in found)
            made.append(
                AccountCheck(account=account, part=part, compared=count, differences=differing, recv_ns=recv_ns)
            )
    return made


def name(order: OrderState) -> str:
    """The order for people: its permanent id, or the client's."""
    return f"perm {order.perm_id}" if order.perm_id else f"{order.client_id}:{order.order_id}"
