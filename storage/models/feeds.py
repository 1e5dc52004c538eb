"""Tick-by-tick data, depth and bars: live ones and those of TWS's history. All are partitioned by the UTC day of
`publish_ns`, because history brings the days of many years at once."""

from __future__ import annotations

from django.db import models

from storage.models.columns import big, con_id, ns, number, small, text, whole


class Published(models.Model):
    """What every one of them has."""

    pk = models.CompositePrimaryKey("stream", "epoch", "seq")
    recv_ns = ns("when it was received here")
    market_ns = ns("TWS's own time of it; the start of a bar")
    publish_ns = ns("when it was published; its day is the partition")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    seq = big("seq of the record in its stream and epoch")
    con_id = con_id()
    flags = whole("bits: TickFlag; 256 came from TWS's history")
    stream = small("2 ingest")

    class Meta:
        abstract = True


class Trade(Published):
    """One trade of a tick-by-tick subscription, or of TWS's history."""

    price = number("price a unit, in the instrument's currency")
    size = number("shares or contracts")
    tick_type = small("TWS's: 1 Last, 2 AllLast")
    exchange = text("where it was made")
    conditions = text("TWS's letters")

    class Meta:
        managed = False
        db_table = "trade"
        db_table_comment = "one row a trade, tick by tick, by day of publishing"


class Quote(Published):
    """One change of the best bid and ask."""

    bid = number("price a unit, in the instrument's currency")
    ask = number("price a unit, in the instrument's currency")
    bid_size = number("shares or contracts")
    ask_size = number("shares or contracts")
    tick_type = small("TWS's: 3 BidAsk")

    class Meta:
        managed = False
        db_table = "quote"
        db_table_comment = "one row a quote, tick by tick, by day of publishing"


class Midpoint(Published):
    """One change of the midpoint."""

    price = number("price a unit, in the instrument's currency")
    tick_type = small("TWS's: 4 MidPoint")

    class Meta:
        managed = False
        db_table = "midpoint"
        db_table_comment = "one row a midpoint, tick by tick, by day of publishing"


class Depth(Published):
    """One change of an order book."""

    price = number("price a unit, in the instrument's currency")
    size = number("shares or contracts")
    position = small("row of the book, 0 is the best")
    operation = small("0 insert, 1 update, 2 delete")
    side = small("0 ask, 1 bid")
    market_maker = text("or the exchange of a smart book; empty in a book without names")

    class Meta:
        managed = False
        db_table = "depth"
        db_table_comment = "one row a change of an order book, by day of publishing"


class Bar(Published):
    """One bar."""

    open = number("price a unit, in the instrument's currency")
    high = number("price a unit, in the instrument's currency")
    low = number("price a unit, in the instrument's currency")
    close = number("price a unit, in the instrument's currency")
    volume = number("shares or contracts")
    wap = number("volume-weighted price")
    count = whole("trades; -1 where its kind has none")
    seconds = whole("its length; a month counts as 30 days")
    what = small("place in BAR_KINDS: 0 TRADES, 1 MIDPOINT, 2 BID, 3 ASK …")

    class Meta:
        managed = False
        db_table = "bar"
        db_table_comment = "one row a bar, by day of publishing"
