"""What the order process knows besides its orders: instruments, positions and quotes from ingest's stream."""

from __future__ import annotations

from pipeline import messages
from pipeline.bus.live import Reset
from pipeline.messages import AccountValue, Frame, Instrument, PayloadKind, Position
from pipeline.orders.quotes import Quotes


class MarketView:
    """Applies ingest's frames; `positions_changed` is set when a fill may have happened; its reader clears it."""

    def __init__(self) -> None:
        self.quotes = Quotes()
        self.instruments: dict[int, Instrument] = {}
        self.positions: dict[tuple[str, int], float] = {}
        self.excess_liquidity: dict[str, float] = {}  # by account, as TWS last told
        self.positions_changed = False

    def apply(self, item: Frame | Reset) -> None:
        """One frame, or the news that a new picture follows (instruments never change and stay)."""
        if isinstance(item, Reset):
            self.quotes.clear()
            return
        if item.topic == b"md.tick":
            self.quotes.apply(messages.records(item))
        elif item.header.kind == PayloadKind.MAP and item.topic in (b"instrument", b"acct.position", b"acct.value"):
            match messages.unpack(item.payload):
                case Instrument() as instrument:
                    self.instruments[instrument.con_id] = instrument
                case AccountValue(account=account, key="ExcessLiquidity", value=value):
                    self.excess_liquidity[account] = value
                case Position(account=account, con_id=con_id, quantity=quantity):
                    if self.positions.get((account, con_id), 0.0) != quantity:
                        self.positions[(account, con_id)] = quantity
                        self.positions_changed = True

    def reduces(self, account: str, con_id: int, side: str, quantity: float) -> bool:
        """The order only makes a position smaller."""
        held = self.positions.get((account, con_id), 0.0)
        signed = quantity if side == "BUY" else -quantity
        return held * signed < 0 and abs(signed) <= abs(held)
