"""Where live orders meet the market: holds, triggers, fills, groups, endings. Pure: time comes from the market."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from pipeline.gateway.broker import combos, conditions, hours, matching
from pipeline.gateway.broker.bank import Bank
from pipeline.gateway.broker.conditions import Outlook
from pipeline.gateway.broker.events import Changed, Event, Filled
from pipeline.gateway.broker.filling import Executions
from pipeline.gateway.broker.liquidity import Liquidity
from pipeline.gateway.broker.matching import Sight
from pipeline.gateway.broker.orderbook import OrderBook
from pipeline.gateway.broker.ordering import (
    BAG_CON_ID,
    CLOSING_KINDS,
    PEGGED_KINDS,
    TRAILING_KINDS,
    TRIGGERED_KINDS,
    Order,
)
from pipeline.gateway.market.prices import Market
from pipeline.gateway.market.sessions import Phase
from pipeline.gateway.market.tape import MANNERS, Tape
from pipeline.gateway.market.universe import Instrument, price_step

CANCELLED = "Order Canceled - reason:"


class Floor:
    """Lets every working order of a book meet its quotes."""

    def __init__(self, market: Market, tape: Tape, bank: Bank, book: OrderBook) -> None:
        self.market, self.tape, self.bank, self.book = market, tape, bank, book
        self.universe = market.universe
        self.executions = Executions(market, tape, bank)
        self.liquidity = Liquidity()
        self._phases: dict[int, Phase] = {}  # of contracts with working orders, when last looked

    def match(self) -> list[Event]:
        """One look at the market for every working order."""
        if not self.book.working:
            return []
        events: list[Event] = []
        for con_id in list(self.book.working):
            orders = list(self.book.working.get(con_id, {}).values())
            phase = self._phase(orders[0]) if orders else Phase.CLOSED
            before = self._phases.get(con_id, phase)
            for order in orders:
                if con_id == BAG_CON_ID:  # each has legs of its own
                    phase = self._phase(order)
                    before = self._phases.get(-order.perm_id, phase)
                events += self._meet(order, before, phase)
                if order.live:
                    self._note(order, phase)
        return events

    def _note(self, order: Order, phase: Phase) -> None:
        """Remember the phase for the next look; combinations of other legs have another one."""
        self._phases[-order.perm_id if order.con_id == BAG_CON_ID else order.con_id] = phase

    def _phase(self, order: Order) -> Phase:
        """The phase of its market; of a combination that of the leg that trades least."""
        return min(self.market.phase(self.universe.by_con_id[con_id]) for con_id in order.con_ids)

    def look_again(self, order: Order) -> None:
        """From this phase of its market on, changes of phase are noticed."""
        if order.con_id == BAG_CON_ID or order.con_id not in self._phases:
            self._note(order, self._phase(order))

    def note_phase(self, order: Order) -> None:
        """A new order: its life begins in this phase of its market."""
        phase = self._phase(order)
        order.opened_ns = self.market.now_ns if phase is Phase.OPEN else 0
        order.awaits_close = order.tif == "OPG" and phase is Phase.OPEN
        self.look_again(order)

    # One order at one moment.

    def _meet(self, order: Order, before: Phase, phase: Phase) -> Iterator[Event]:
        if not order.live:
            return  # an order before it in this round ended it
        held = self._held_by_parent(order)
        if order.kind in CLOSING_KINDS and before is Phase.OPEN and phase is not Phase.OPEN and not held:
            yield from self._close_auction(order)
        elif self._overdue(order) or hours.ends(order, before, phase):
            yield from self.end(order, "Cancelled", CANCELLED)
        elif held:
            yield from self._stand(order, "PreSubmitted", _child_reason(order))
        else:
            yield from self._go_on(order, phase)

    def _go_on(self, order: Order, phase: Phase) -> Iterator[Event]:
        """Its time is not over: it waits, or it works."""
        if phase is Phase.OPEN:
            order.opened_ns = order.opened_ns or self.market.now_ns
        order.awaits_close = order.awaits_close and phase is Phase.OPEN
        held = self._held(order, phase)
        if held is None:
            yield from self.end(order, "Cancelled", CANCELLED)
        elif held:
            yield from self._stand(order, "PreSubmitted", "")
        else:
            yield from self._work(order)

    def _held_by_parent(self, order: Order) -> bool:
        parent = self.book.by_perm.get(order.parent_perm) if order.parent_perm else None
        return parent is not None and parent.status != "Filled"

    def _overdue(self, order: Order) -> bool:
        return bool(order.good_till) and self.market.now_ns >= hours.moment(order.good_till, self.market.now_ns)

    def _held(self, order: Order, phase: Phase) -> bool | None:
        """Whether it waits for its time, its conditions or its market; None: its conditions cancel it."""
        now = self.market.now_ns
        if order.good_after and now < hours.moment(order.good_after, now):
            return True
        terms = order.terms
        if terms.conditions and not order.freed:
            regular = terms.flag("conditionsIgnoreRth") or phase is Phase.OPEN
            order.freed = regular and conditions.met(terms.conditions, self._outlook(order))
            cancels = terms.flag("conditionsCancelOrder")
            if order.freed and cancels:
                return None
            if not order.freed and not cancels:
                return True
            order.freed = order.freed and not cancels
        if order.kind in CLOSING_KINDS:
            return phase is not Phase.OPEN
        halted = any(self.market.halted(self.universe.by_con_id[con_id]) for con_id in order.con_ids)
        return halted or not hours.may_trade(order, phase)

    def _work(self, order: Order) -> Iterator[Event]:
        """It is allowed to trade: set it off if it waits for a price, fill what can be filled."""
        if order.kind in CLOSING_KINDS:
            yield from self._stand(order, "Submitted", "")
            return
        if order.kind in TRIGGERED_KINDS and not order.triggered:
            sight = self.sight(order.con_id)
            if order.kind in TRAILING_KINDS:
                matching.trail(order, sight)
            if not matching.set_off(order, sight):
                yield from self._stand(order, "PreSubmitted", "trigger")
                return
        yield from self._stand(order, "Submitted", "")
        if order.terms.legs:
            yield from self._match_combo(order)
        else:
            yield from self._match(order)
        if order.live and order.tif in ("IOC", "FOK", "OPG"):
            yield from self.end(order, "Cancelled", CANCELLED)

    def _stand(self, order: Order, status: str, why: str) -> Iterator[Event]:
        if (order.status, order.why_held) != (status, why):
            order.status, order.why_held = status, why
            yield Changed(replace(order))

    # Quotes.

    def sight(self, con_id: int) -> Sight:
        """What is to be had of a contract now."""
        x = self.universe.by_con_id[con_id]
        quote, (bid, ask), step = self.tape.quote(x), self.tape.now(x), self.market.step
        lot = MANNERS[x.sec_type].lot
        bid_size = self.liquidity.left(con_id, "bid", bid, quote.bid_size or lot, step) if bid > 0 else 0
        ask_size = self.liquidity.left(con_id, "ask", ask, quote.ask_size or lot, step) if ask > 0 else 0
        grid = price_step(x.rule_id, max(bid, 0.0))
        return Sight(bid, ask, bid_size, ask_size, quote.last, grid, x.sec_type in ("CASH", "OPT", "FOP"))

    def _take(self, con_id: int, bought: bool, quantity: int) -> None:
        x = self.universe.by_con_id[con_id]
        quote, (bid, ask), lot = self.tape.quote(x), self.tape.now(x), MANNERS[x.sec_type].lot
        side, price, shown = ("ask", ask, quote.ask_size) if bought else ("bid", bid, quote.bid_size)
        self.liquidity.take(con_id, side, price, shown or lot, quantity, self.market.step)

    def _outlook(self, order: Order) -> Outlook:
        by_con_id = self.universe.by_con_id
        return Outlook(
            self.market.now_ns,
            self.sight,
            lambda con_id: self.tape.quote(by_con_id[con_id]).volume,
            lambda con_id: self.market.closing(by_con_id[con_id]),
            lambda: self._cushion(order.account),
            lambda sec_type, exchange, symbol: self._executed(order, sec_type, exchange, symbol),
        )

    def _cushion(self, account: str) -> float:
        figures = self.bank.figures(self.bank.accounts[account])
        return float(figures.excess / figures.net) * 100.0 if figures.net else math.nan

    def _executed(self, order: Order, sec_type: str, exchange: str, symbol: str) -> bool:
        for fill in reversed(self.executions.fills):
            if fill.time_ns < order.placed_ns:
                return False
            x = self.universe.by_con_id.get(fill.con_id)
            if x is not None and (x.sec_type, x.symbol) == (sec_type, symbol) and fill.perm_id != order.perm_id:
                return exchange in ("", "SMART", fill.exchange)
        return False

    # Fills.

    def _match(self, order: Order) -> Iterator[Event]:
        turn = order.kind in PEGGED_KINDS and (self.market.step + order.perm_id) % matching.HIDDEN_EVERY == 0
        found = matching.match(order, self.sight(order.con_id), turn)
        if found is None:
            return
        self._take(order.con_id, order.action == "BUY", found[0])
        if order.kind == "MTL" and not order.limit:
            order.limit = found[1]
        yield from self._fill(order, *found)

    def _match_combo(self, order: Order) -> Iterator[Event]:
        legs = order.terms.legs
        whole = order.tif == "FOK" or order.terms.flag("allOrNone")
        fit = combos.legs_fit(order.terms, order.action, self.sight)
        found = combos.match(
            order.action, order.kind, order.limit, order.remaining, whole, combos.sight(legs, self.sight), fit
        )
        if found is not None:
            for leg in legs:
                self._take(leg.con_id, combos.leg_sign(leg, order.action) > 0, found[0] * leg.ratio)
            yield from self._fill(order, *found)

    def _close_auction(self, order: Order) -> Iterator[Event]:
        """The closing cross takes any size at one price."""
        sight = self.sight(order.con_id)
        price = round(round(sight.traded / sight.step) * sight.step, 6)
        limit = order.limit or (math.inf if order.action == "BUY" else 0.0)
        if limit >= price if order.action == "BUY" else limit <= price:
            yield from self._fill(order, order.remaining, price)
        if order.live:
            yield from self.end(order, "Cancelled", CANCELLED)

    def _fill(self, order: Order, quantity: int, price: float) -> Iterator[Event]:
        order.filled += quantity
        order.paid += Decimal(repr(price)) * quantity
        order.last_fill = price
        made = self.executions.make(order, quantity, price)
        if not order.remaining:
            self._complete(order, "Filled")
        for fill in made:
            yield Filled(replace(order), fill)
        yield from self._tell_group(order, quantity)

    def exercise(self, order: Order, x: Instrument, under: Instrument) -> Iterator[Event]:
        """An order that is filled at once, by the clearing house."""
        order.filled = order.quantity
        made = self.executions.exercise(order, x, under)
        self._complete(order, "Filled")
        for fill in made:
            yield Filled(replace(order), fill)

    # Groups and endings.

    def _tell_group(self, order: Order, quantity: int) -> Iterator[Event]:
        """A fill of one order of an OCA group: the others end, or become smaller by the same share."""
        open_before = order.remaining + quantity
        for mate in self.book.group(order):
            if not mate.live or self._held_by_parent(mate):
                continue
            cut = mate.quantity if order.oca_type == 1 else math.ceil(mate.remaining * quantity / open_before)
            if mate.remaining <= cut:
                yield from self.end(mate, "Cancelled", CANCELLED)
            else:
                mate.quantity -= cut
                yield Changed(replace(mate))

    def end(self, order: Order, status: str, text: str, code: int = 202) -> Iterator[Event]:
        """It ends without being filled, and its children with it."""
        if not order.live:
            return
        order.why_held = ""
        self._complete(order, status)
        yield Changed(replace(order), code, text)
        for child in self.book.children.get(order.perm_id, ()):
            yield from self.end(child, status, text, code)
        parent = self.book.by_perm.get(order.parent_perm) if order.parent_perm else None
        if parent is not None and order.terms.flag("autoCancelParent"):
            yield from self.end(parent, status, text, code)

    def _complete(self, order: Order, status: str) -> None:
        order.status, order.completed_ns = status, self.market.now_ns
        self.book.complete(order)
        if order.con_id not in self.book.working:
            self._phases.pop(order.con_id, None)
        self._phases.pop(-order.perm_id, None)


def _child_reason(order: Order) -> str:
    return "child,trigger" if order.kind in TRIGGERED_KINDS else "child"
