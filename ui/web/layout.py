"""Which tables the page has, with their columns; the template and the script both draw from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `wide` ones are hidden where the card is narrow."""

    key: str
    title: str
    numeric: bool = False
    wide: bool = False

    @property
    def look(self) -> str:
        """Classes of its cells."""
        side = "text-end num" if self.numeric else "text-start"
        return f"{side} wide" if self.wide else side


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `empty` is said where it has no row; `source` is the process whose silence makes it stale."""

    key: str
    title: str
    source: str
    empty: str
    columns: tuple[Column, ...]


def _n(key: str, title: str, wide: bool = False) -> Column:
    return Column(key, title, numeric=True, wide=wide)


TABLES: dict[str, Table] = {
    table.key: table
    for table in (
        Table(
            "margin",
            "Model beside TWS",
            "margin",
            "No figure from the margin engine yet",
            (Column("name", "Figure"), _n("tws", "TWS"), _n("model", "Model ≈"), _n("gap", "Gap")),
        ),
        Table(
            "groups",
            "Margin by underlying",
            "margin",
            "No positions: requirement 0",
            (
                Column("name", "Underlying"),
                _n("legs", "Legs", wide=True),
                _n("unrealized", "Unrealised", wide=True),
                _n("margin", "Maint ≈"),
                _n("share", "Share"),
            ),
        ),
        Table(
            "positions",
            "Positions by margin",
            "ingest",
            "No positions in this account",
            (
                Column("name", "Contract"),
                _n("quantity", "Qty"),
                _n("price", "Price", wide=True),
                _n("value", "Value", wide=True),
                _n("unrealized", "Unrealised"),
                _n("margin", "Maint ≈"),
                Column("rule", "Rule", wide=True),
            ),
        ),
        Table(
            "orders",
            "Orders",
            "orders",
            "No orders today",
            (
                Column("order", "Order"),
                Column("kind", "Type", wide=True),
                _n("filled", "Filled"),
                Column("status", "Status"),
                Column("text", "TWS says", wide=True),
            ),
        ),
        Table(
            "fills",
            "Fills",
            "orders",
            "No fills today",
            (
                Column("fill", "Fill"),
                _n("price", "Price"),
                _n("commission", "Commission", wide=True),
                Column("time", "Time"),
            ),
        ),
        Table(
            "quotes",
            "Quotes",
            "ingest",
            "Nothing is watched: add symbols at the desk or in [watchlist]",
            (
                Column("name", "Symbol"),
                _n("bid", "Bid"),
                _n("ask", "Ask"),
                _n("last", "Last"),
                _n("change", "Chg"),
                Column("state", "Line", wide=True),
            ),
        ),
        Table(
            "processes",
            "Processes",
            "supervisor",
            "No status from the supervisor yet",
            (
                Column("name", "Process"),
                Column("state", "State"),
                _n("up", "Up"),
                _n("restarts", "Restarts"),
                _n("cpu", "CPU", wide=True),
                _n("memory", "Memory", wide=True),
                _n("queue", "Queue", wide=True),
                _n("lag", "Lag", wide=True),
                Column("error", "Last error", wide=True),
            ),
        ),
        Table(
            "events",
            "Events",
            "supervisor",
            "Nothing happened since the start",
            (
                Column("time", "Time"),
                Column("process", "Process"),
                Column("event", "Event"),
                Column("text", "", wide=True),
            ),
        ),
    )
}
