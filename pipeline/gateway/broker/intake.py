"""From what a client asks to an order, or to TWS's refusal. Pure: time comes from the market."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pipeline.gateway.asks.orders import PlaceOrder
from pipeline.gateway.asks.request import BadRequest
from pipeline.gateway.broker import advisor, allocation, checking, combos, drafting
from pipeline.gateway.broker.accounts import Account
from pipeline.gateway.broker.bank import Bank
from pipeline.gateway.broker.ordering import BAG_CON_ID, Order
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.universe import Instrument


class Intake:
    """Checks requests against the contracts and the accounts there are."""

    def __init__(self, market: Market, bank: Bank) -> None:
        self.market, self.bank = market, bank

    def checked(self, asked: PlaceOrder) -> Instrument:
        """The contract of an order that TWS would take; BadRequest otherwise."""
        wrong = checking.fault(asked, self.market.now_ns, self.market.universe.by_con_id.__contains__)
        if wrong:
            raise BadRequest(asked.req_id, *wrong)
        if asked.contract.sec_type == "BAG":
            x = combos.face(asked.contract.symbol, asked.contract.exchange)
        else:
            found = self.market.universe.find(asked.contract)
            if len(found) != 1 or not self.market.universe.lives(found[0]):
                raise BadRequest(asked.req_id, 200, no_definition(found[1:], asked.contract.symbol))
            x = found[0]
        wrong = checking.contract_fault(asked, x)
        if wrong:
            raise BadRequest(asked.req_id, *wrong)
        if not self._shares(asked):
            self.named(asked.req_id, asked.account)
        return x

    def order(self, client_id: int, perm_id: int, asked: PlaceOrder) -> Order:
        """The order as it begins; the request is checked already."""
        found = BAG_CON_ID if asked.contract.sec_type == "BAG" else self.market.universe.find(asked.contract)[0].con_id
        shares = self._shares(asked)
        account = asked.account or advisor.MASTER if shares else self.named(asked.req_id, asked.account).name
        order = drafting.draft(asked, client_id, perm_id, account, found, self.market.now_ns)
        order.shares = shares
        return order

    def _shares(self, asked: PlaceOrder) -> dict[str, int]:
        """How an advisor's order is split; nothing for an order of one account."""
        name, structure = asked.terms.text("faGroup"), self.bank.advisor
        if not name:
            if structure is not None and not asked.account:
                text = "You must specify an allocation (either a single account, group, or profile)."
                raise BadRequest(asked.req_id, 436, text)
            return {}
        group = structure.groups.get(name) if structure is not None else None
        if group is None or asked.account not in ("", advisor.MASTER):
            raise BadRequest(asked.req_id, 321, f"{checking.VALIDATION}Invalid FA group '{name[:40]}'")
        try:
            return allocation.shares(int(asked.quantity), group, asked.terms.text("faMethod"), self._worth)
        except allocation.BadAllocation as wrong:
            raise BadRequest(asked.req_id, wrong.code, str(wrong)) from None

    def _worth(self, account: str, method: str) -> Decimal:
        figures = self.bank.figures(self.bank.accounts[account])
        return figures.net if method == "NetLiq" else figures.available

    def named(self, req_id: int, name: str) -> Account:
        """The account of that name; without one the only one there is. BadRequest otherwise."""
        if not name and len(self.bank.accounts) > 1:
            raise BadRequest(req_id, 435, "You must specify an account.")
        account = self.bank.accounts.get(name or next(iter(self.bank.accounts)))
        if account is None:
            text = f"{checking.VALIDATION}Invalid account code '{name[:40]}'."
            raise BadRequest(req_id, 321, text)
        return account


def no_definition(found: Sequence[Instrument], symbol: str) -> str:
    """TWS's text of error 200."""
    if found:
        return f"The contract description specified for {symbol or found[0].symbol} is ambiguous."
    return "No security definition has been found for the request"
