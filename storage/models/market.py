"""Instruments and prices."""

from __future__ import annotations

from django.db import models

from storage.models.columns import (
    Recorded,
    big,
    con_id,
    finite,
    ns,
    number,
    small,
    text,
    whole,
)


class Tick(models.Model):
    """One market-data tick. Partitioned by the UTC day of `market_ns`; the day that is written has no unique index."""

    pk = models.CompositePrimaryKey("stream", "epoch", "seq")
    recv_ns = ns("when it was received here")
    market_ns = ns("market time; its day is the partition")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    seq = big("seq of the record in its stream and epoch")
    price = number("price a unit, in the instrument's currency")
    size = number("shares or contracts")
    con_id = con_id()
    flags = whole("bits: TickFlag")
    tick_type = small("TWS's: 1 bid, 2 ask, 4 last, 0 3 5 their sizes, 6 high, 7 low, 8 volume, 9 close")
    stream = small("2 ingest")

    class Meta:
        managed = False
        db_table = "tick"
        db_table_comment = "one row a market-data tick, by day of market time"


class OptionComputation(models.Model):
    """TWS's implied volatility and greeks. Partitioned as ticks are."""

    pk = models.CompositePrimaryKey("stream", "epoch", "seq")
    recv_ns = ns("when it was received here")
    market_ns = ns("market time; its day is the partition")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    seq = big("seq of the record in its stream and epoch")
    implied_vol = number("a year, 0.25 = 25 %")
    delta = number("a unit of the underlying")
    price = number("price a unit, in the instrument's currency")
    pv_dividend = number("present value of dividends")
    gamma = number("a unit squared")
    vega = number("as TWS scales it")
    theta = number("a day, as TWS scales it")
    underlying_price = number("price of the underlying that was used")
    con_id = con_id()
    flags = whole("bits: TickFlag")
    tick_type = small("10 bid, 11 ask, 12 last, 13 model")
    stream = small("2 ingest")

    class Meta:
        managed = False
        db_table = "option_computation"
        db_table_comment = "one row a computation that TWS sent for an option, by day of market time"


class LatestQuote(models.Model):
    """The last tick of each contract and type (behind the ticks by at most a second)."""

    pk = models.CompositePrimaryKey("con_id", "tick_type")
    recv_ns = ns("when it was received here")
    market_ns = ns("market time")
    price = number("price a unit, in the instrument's currency")
    size = number("shares or contracts")
    con_id = con_id()
    flags = whole("bits: TickFlag")
    tick_type = small("TWS's: 1 bid, 2 ask, 4 last, 0 3 5 their sizes, 6 high, 7 low, 8 volume, 9 close")

    class Meta:
        db_table = "latest_quote"
        db_table_comment = "last tick a contract and tick type"


class Description(models.Model):
    """A contract as TWS described it."""

    symbol = text("symbol")
    sec_type = text("STK OPT FUT FOP IND CASH BOND")
    currency = text("of its prices")
    exchange = text("where it is routed")
    primary_exchange = text("where it is listed")
    local_symbol = text("the exchange's own name")
    trading_class = text("option or futures class")
    expiry = text("yyyymmdd; empty where it has none")
    strike = number("price a unit of the underlying")
    right = text("C or P; empty where it is no option")
    multiplier = models.FloatField(db_comment="units a contract")
    min_tick = number("smallest price step")
    under_con_id = whole("contract id of the underlying; 0 where unknown")
    under_symbol = text("symbol of the underlying")
    long_name = text("name of the company or index")
    stock_type = text("COMMON ETF …")
    time_zone = text("of the hours")
    trading_hours = text("as TWS spells them")
    liquid_hours = text("as TWS spells them")
    market_rule_ids = text("rules of its price steps, one an exchange, joined by commas")
    publish_ns = ns("when it was published")

    class Meta:
        abstract = True


class Instrument(Description):
    """What is known of each contract now."""

    con_id = models.IntegerField(primary_key=True, db_comment="IB's contract id")

    class Meta:
        db_table = "instrument"
        db_table_comment = "contracts, as TWS described them last"
        indexes = (
            # instruments by symbol, for the search of REST
            models.Index(fields=["symbol"], name="instrument_symbol"),
        )


class InstrumentVersion(Description, Recorded):
    """Each description of a contract that came."""

    con_id = con_id()

    class Meta:
        db_table = "instrument_version"
        db_table_comment = "every description of a contract that came"
        constraints = finite("instrument_version", "strike", "multiplier", "min_tick")
