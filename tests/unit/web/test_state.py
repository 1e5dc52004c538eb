import math

import numpy as np

from pipeline import messages
from pipeline.bus.live import Reset
from pipeline.messages import Frame, Header, PayloadKind, StreamId
from ui.web.state import ASK, BID, LiveState

NOW = 1_790_000_000_000_000_000


def frame(stream, topic, payload, kind=PayloadKind.MAP, count=1, seq=1):
    return Frame(topic.encode(), Header(kind, stream, count, 1, 1, seq, NOW), payload)


def told(stream, message, seq=1):
    return frame(stream, message.topic, messages.pack(message), seq=seq)


def ticks(rows):
    array = np.zeros(len(rows), dtype=messages.TICK)
    for record, (con_id, tick_type, price, flags) in zip(array, rows, strict=True):
        record["con_id"], record["tick_type"], record["price"], record["flags"] = con_id, tick_type, price, flags
    return frame(StreamId.INGEST, "md.tick", array.tobytes(), PayloadKind.RECORDS, len(rows))


def position(quantity, con_id=1):
    return messages.Position(account="DU1", con_id=con_id, quantity=quantity, average_cost=1.0)


def test_the_newest_price_of_a_burst_wins_whatever_frame_it_came_in():
    state = LiveState()
    state.apply([ticks([(1, BID, 10.0, 0), (1, ASK, 11.0, 0), (2, BID, 5.0, 0)]), ticks([(1, BID, 10.5, 0)])])
    assert state.prices == {(1, BID): 10.5, (1, ASK): 11.0, (2, BID): 5.0}


def test_unknown_and_suspect_prices_and_types_nobody_shows_are_left_out():
    state = LiveState()
    state.apply([ticks([(1, BID, 10.0, 0), (1, BID, math.nan, 0), (1, BID, 99.0, 64), (1, 8, 1e6, 0)])])
    assert state.prices == {(1, BID): 10.0}


def test_a_position_of_zero_is_gone():
    state = LiveState()
    state.apply([told(StreamId.INGEST, position(5.0))])
    assert state.account_names() == ["DU1"]
    state.apply([told(StreamId.INGEST, position(0.0))])
    assert state.positions == {}


def test_a_reset_forgets_one_stream_and_takes_the_snapshot_behind_it():
    state = LiveState()
    trading = messages.TradingState(enabled=True)
    state.apply([told(StreamId.INGEST, position(5.0)), ticks([(1, BID, 10.0, 0)]), told(StreamId.ORDERS, trading)])
    reset = Reset(stream=StreamId.INGEST, reason="new session")
    state.apply([ticks([(1, BID, 12.0, 0)]), reset, told(StreamId.INGEST, position(7.0, con_id=2))])
    assert [p.quantity for p in state.positions.values()] == [7.0]
    assert state.prices == {}
    assert state.trading == trading


def test_bytes_that_are_no_message_are_counted_and_nothing_breaks():
    state = LiveState()
    state.apply([frame(StreamId.INGEST, "acct.position", b"\xff\x00"), told(StreamId.INGEST, position(5.0))])
    state.apply([frame(StreamId.MARGIN, "margin.account", b"short", PayloadKind.RECORDS)])
    assert state.bad == 2
    assert len(state.positions) == 1


def test_margin_records_keep_the_last_of_each_account_and_a_group_without_legs_ends():
    rows = np.zeros(3, dtype=messages.MARGIN_ACCOUNT)
    rows["account"] = [b"DU1", b"DU2", b"DU1"]
    rows["excess_liquidity"] = [1.0, 2.0, 3.0]
    groups = np.zeros(2, dtype=messages.MARGIN_GROUP)
    groups["account"], groups["underlying"], groups["legs"] = b"DU1", b"AAPL", [1, 0]
    state = LiveState()
    state.apply([frame(StreamId.MARGIN, "margin.account", rows.tobytes(), PayloadKind.RECORDS, 3)])
    assert {name: float(row["excess_liquidity"]) for name, row in state.accounts.items()} == {"DU1": 3.0, "DU2": 2.0}
    state.apply([frame(StreamId.MARGIN, "margin.group", groups[:1].tobytes(), PayloadKind.RECORDS, 1)])
    assert list(state.groups) == [("DU1", "AAPL")]
    state.apply([frame(StreamId.MARGIN, "margin.group", groups[1:].tobytes(), PayloadKind.RECORDS, 1)])
    assert state.groups == {}


def test_an_order_keeps_its_row_when_it_gets_its_permanent_id():
    def order(perm_id, status):
        return messages.OrderState(
            perm_id=perm_id, order_id=3, client_id=12, account="DU1", con_id=1, symbol="AAPL", side="BUY",
            order_type="MKT", quantity=1.0, status=status,
        )  # fmt: skip

    state = LiveState()
    state.apply([told(StreamId.ORDERS, order(0, "Intent")), told(StreamId.ORDERS, order(77, "Filled"))])
    assert [found.status for found in state.orders.values()] == ["Filled"]


def difference():
    return messages.Difference(
        account="DU1", part="positions", key="265598", ours="5", tws="nothing", repaired=True, recv_ns=1
    )


def test_what_differed_from_tws_is_an_event_for_people():
    state = LiveState()
    state.apply([told(StreamId.INGEST, difference())])
    assert [message.words for _, message in state.events] == [
        "positions 265598: here 5, in TWS nothing; TWS's is taken"
    ]
