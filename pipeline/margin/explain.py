"""The explained tree: account ▸ underlying ▸ group ▸ leg, each with its rule, its formula and the numbers in it."""

from __future__ import annotations

import math

from pipeline.margin.arrays import COMMODITIES, Columns
from pipeline.margin.kernels import groups as kernel
from pipeline.margin.rules import futures, pairing
from pipeline.margin.rules.account import AccountFigures
from pipeline.margin.rules.options import OptionTerms, Requirement, money
from pipeline.margin.rules.pairing import STOCK_LEG, Block, OptionLeg
from pipeline.margin.rules.rates import FutureRate
from pipeline.messages import Instrument, MarginFlag, MarginNode, MarginTree


def explain(columns: Columns, account: int, figures: AccountFigures, rule_set: str, newest_ns: int) -> MarginTree:
    """The tree of one account at the figures that stand in `columns`."""
    groups = [g for g in range(len(columns.names)) if columns.group_account[g] == account]
    children = [_underlying(columns, g) for g in groups]
    children.sort(key=lambda node: -node.maintenance_margin)
    root = MarginNode(
        level="account",
        name=columns.accounts[account],
        rule="sum of the underlyings",
        formula="EL = (ELV-S − MM-S) + (NLV-C − MM-C)",
        numbers=(
            f"({money(figures.equity_with_loan_s)} − {money(figures.maintenance_margin_s)}) + "
            f"({money(figures.net_liquidation_c)} − {money(figures.maintenance_margin_c)}) = "
            f"{money(figures.excess_liquidity)}"
        ),
        initial_margin=figures.initial_margin,
        maintenance_margin=figures.maintenance_margin,
        reg_t_margin=figures.reg_t_margin,
        market_value=sum(_known(child.market_value) for child in children),
        unrealized_pnl=sum(_known(child.unrealized_pnl) for child in children),
        at_least=any(child.at_least for child in children),
        reason="; ".join(f"{child.name}: {child.reason}" for child in children if child.reason),
        children=children,
    )
    return MarginTree(account=columns.accounts[account], rule_set=rule_set, newest_ns=newest_ns, root=root)


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _underlying(columns: Columns, g: int) -> MarginNode:
    figures, name = columns.groups.figures[g].tolist(), columns.names[g]
    flags = int(columns.groups.flags[g])
    if math.isnan(columns.groups.fx[g]):
        children: list[MarginNode] = []
        reasons = [f"no exchange rate for {name.currency}"]
    else:
        children, reasons = _group_nodes(columns, g)
    reasons += _missing_prices(columns, g)
    return MarginNode(
        level="underlying",
        name=name.underlying,
        rule="cheapest permitted pairing" if name.segment != COMMODITIES else "futures table",
        formula="Σ of its groups",
        numbers=" + ".join(money(child.maintenance_margin) for child in children),
        initial_margin=figures[kernel.INITIAL],
        maintenance_margin=figures[kernel.MAINTENANCE],
        reg_t_margin=figures[kernel.REG_T],
        market_value=figures[kernel.VALUE],
        unrealized_pnl=figures[kernel.PNL],
        price=float(columns.groups.spot[g]),
        con_id=int(columns.under_con_ids[g]),
        at_least=bool(flags & MarginFlag.AT_LEAST),
        reason="; ".join(dict.fromkeys(reason for reason in reasons if reason)),
        children=children,
    )


def _missing_prices(columns: Columns, g: int) -> list[str]:
    legs = columns.legs
    reasons = []
    for leg in range(columns.groups.start[g], columns.groups.start[g + 1]):
        if math.isnan(legs.price[leg]):
            reasons.append(f"{_leg_name(columns, leg)} has no price")
        elif legs.flags[leg] & MarginFlag.MODELLED:
            reasons.append(f"{_leg_name(columns, leg)} is priced from its underlying")
        elif legs.flags[leg] & MarginFlag.STALE_INPUT:
            reasons.append(f"{_leg_name(columns, leg)} has TWS's last portfolio price only")
    return reasons


def _group_nodes(columns: Columns, g: int) -> tuple[list[MarginNode], list[str]]:
    """The groups of an underlying, and reasons for what is missing."""
    start, end = int(columns.groups.start[g]), int(columns.groups.start[g + 1])
    legs, spot = columns.legs, float(columns.groups.spot[g])
    nodes: list[MarginNode] = []
    reasons: list[str] = []
    shares, stock = 0.0, STOCK_LEG
    for leg in range(start, end):
        kind = int(legs.kind[leg])
        if kind == kernel.STOCK:
            shares, stock = float(legs.quantity[leg]), leg
        elif kind != kernel.OPTION:
            node = _unpaired(columns, g, leg)
            nodes.append(node)
            reasons.append(node.reason)
    options = [leg for leg in range(start, end) if legs.kind[leg] == kernel.OPTION]
    multipliers = list(dict.fromkeys(float(legs.multiplier[leg]) for leg in options)) or [1.0]
    for index, multiplier in enumerate(multipliers):
        run = [leg for leg in options if legs.multiplier[leg] == multiplier]
        inventory = [_option_leg(columns, leg) for leg in run]
        blocks = pairing.pair(inventory, multiplier, spot, shares if index == 0 else 0.0, columns.groups.rates[g])
        for block in blocks:
            nodes.append(_block_node(columns, g, block, run, stock))
            reasons.append(block.requirement.reason)
    return nodes, reasons


def _option_leg(columns: Columns, leg: int) -> OptionLeg:
    legs = columns.legs
    terms = OptionTerms(bool(legs.call[leg]), float(legs.strike[leg]), float(legs.price[leg]))
    return OptionLeg(terms, float(legs.quantity[leg]), int(legs.rank[leg]))


def _block_node(columns: Columns, g: int, block: Block, run: list[int], stock: int) -> MarginNode:
    held = [(stock if i == STOCK_LEG else run[i], quantity) for i, quantity in block.legs]
    return _node(columns, g, block.requirement, held)


def _node(columns: Columns, g: int, requirement: Requirement, held: list[tuple[int, float]]) -> MarginNode:
    """A group and its legs; a leg's share of the maintenance is by absolute market value within the group."""
    fx = float(columns.groups.fx[g])
    legs = columns.legs
    values = [quantity * float(legs.multiplier[leg]) * float(legs.price[leg]) * fx for leg, quantity in held]
    sizes = [abs(_known(value)) for value in values]
    whole = sum(sizes)
    children = []
    for (leg, quantity), value, size in zip(held, values, sizes, strict=True):
        part = size / whole if whole else 1.0 / len(held)
        cost = quantity * float(legs.average_cost[leg]) * fx
        children.append(
            MarginNode(
                level="leg",
                name=_leg_name(columns, leg),
                rule=f"{part:.1%} of the group by market value",
                initial_margin=requirement.initial * fx * part,
                maintenance_margin=requirement.maintenance * fx * part,
                reg_t_margin=requirement.reg_t * fx * part,
                market_value=value,
                unrealized_pnl=value - cost,
                quantity=quantity,
                price=float(legs.price[leg]),
                con_id=columns.positions[leg].con_id,
                at_least=math.isnan(value),
                reason="no price" if math.isnan(value) else "",
            )
        )
    return MarginNode(
        level="group",
        name=f"{requirement.rule}: "
        + ", ".join(f"{quantity:+g} {_short_name(columns, leg)}" for leg, quantity in held),
        rule=requirement.rule,
        formula=requirement.formula,
        numbers=requirement.numbers,
        binding=requirement.binding,
        initial_margin=requirement.initial * fx,
        maintenance_margin=requirement.maintenance * fx,
        reg_t_margin=requirement.reg_t * fx,
        market_value=sum(_known(value) for value in values),
        unrealized_pnl=sum(_known(child.unrealized_pnl) for child in children),
        at_least=requirement.at_least or any(child.at_least for child in children),
        reason=requirement.reason,
        children=children,
    )


def _unpaired(columns: Columns, g: int, leg: int) -> MarginNode:
    """A future by table; for anything else there is no rule here, and it is said so."""
    quantity = float(columns.legs.quantity[leg])
    if columns.legs.kind[leg] == kernel.FUTURE and not math.isnan(columns.groups.future_maintenance[g]):
        rate = FutureRate(
            columns.names[g].underlying,
            float(columns.groups.future_maintenance[g]),
            float(columns.groups.future_initial[g]),
            columns.future_dates[g],
            columns.future_sources[g],
        )
        one = futures.outright(quantity, rate)
        requirement = Requirement(
            "future outright",
            "|n|·rate of the contract",
            f"{abs(quantity):g}·{money(rate.maintenance)} ({rate.source}, {rate.date})",
            "",
            one.maintenance,
            one.initial,
            0.0,
        )
    else:
        instrument = columns.instruments[leg]
        reason = _no_rule(instrument, columns.legs.kind[leg] == kernel.FUTURE)
        requirement = Requirement("no rule", "", "", "", 0.0, 0.0, 0.0, True, reason)
    return _node(columns, g, requirement, [(leg, quantity)])


def _no_rule(instrument: Instrument | None, future: bool) -> str:
    if instrument is None:
        return "the contract is not described yet"
    if future:
        return f"no margin rate for the future {instrument.symbol}"
    if instrument.sec_type == "FOP":
        return f"options on futures need SPAN parameters, none for {instrument.symbol}"
    return f"no margin rule for {instrument.sec_type}"


def _leg_name(columns: Columns, leg: int) -> str:
    instrument = columns.instruments[leg]
    if instrument is None:
        return f"#{columns.positions[leg].con_id}"
    if instrument.sec_type in ("OPT", "FOP"):
        return f"{instrument.symbol} {instrument.expiry} {instrument.strike:g}{instrument.right[:1]}"
    return instrument.local_symbol or instrument.symbol if instrument.sec_type == "FUT" else instrument.symbol


def _short_name(columns: Columns, leg: int) -> str:
    instrument = columns.instruments[leg]
    if instrument is not None and instrument.sec_type == "OPT":
        return f"{instrument.strike:g}{instrument.right[:1]} {instrument.expiry}"
    return _leg_name(columns, leg)
