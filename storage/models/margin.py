"""Margin figures that are kept: each account once a second, at a change of level, at a fill."""

from __future__ import annotations

from django.db import models

from storage.models.columns import big, ns, number, small, text, whole


class MarginAccountSnapshot(models.Model):
    """One account's model margin beside TWS's own. Partitioned by the UTC day of `publish_ns`."""

    pk = models.CompositePrimaryKey("stream", "epoch", "seq")
    publish_ns = ns("when it was published; its day is the partition")
    oldest_ns = ns("receive time of the oldest tick not answered before")
    newest_ns = ns("receive time of the newest tick in the figure")
    market_ns = ns("market time")
    tws_ns = ns("receive time of TWS's figures; 0 where there are none")
    input_seq = big("last record of ingest's stream in the figure")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    seq = big("seq of the record in its stream and epoch")
    net_liquidation = number("base currency")
    equity_with_loan = number("base currency")
    initial_margin = number("requirement, base currency")
    maintenance_margin = number("requirement, base currency")
    reg_t_margin = number("requirement, base currency")
    available_funds = number("base currency")
    excess_liquidity = number("base currency")
    cushion = number("excess liquidity / net liquidation, 0.1 = 10 %")
    buying_power = number("base currency")
    gross_position_value = number("base currency")
    unrealized_pnl = number("base currency")
    daily_pnl = number("base currency")
    sma = number("special memorandum account, base currency")
    cash = number("base currency")
    net_liquidation_s = number("securities segment, base currency")
    initial_margin_s = number("securities segment, base currency")
    maintenance_margin_s = number("securities segment, base currency")
    net_liquidation_c = number("commodities segment, base currency")
    initial_margin_c = number("commodities segment, base currency")
    maintenance_margin_c = number("commodities segment, base currency")
    tws_net_liquidation = number("as TWS said, base currency")
    tws_initial_margin = number("as TWS said, base currency")
    tws_maintenance_margin = number("as TWS said, base currency")
    tws_excess_liquidity = number("as TWS said, base currency")
    gap = number("(model - TWS) / TWS of maintenance margin")
    positions = whole("open positions")
    level = whole("0 OK, 1 CAUTION, 2 WARN, 3 ALARM, 4 CRITICAL")
    flags = whole("bits: MarginFlag")
    stream = small("5 margin record")
    account = text("IB's account id")

    class Meta:
        managed = False
        db_table = "margin_account_snapshot"
        db_table_comment = "margin of an account, by day of publishing"


class MarginGroupSnapshot(models.Model):
    """One underlying's share of an account's margin. Partitioned by the UTC day of `publish_ns`."""

    pk = models.CompositePrimaryKey("stream", "epoch", "seq")
    publish_ns = ns("when it was published; its day is the partition")
    oldest_ns = ns("receive time of the oldest tick not answered before")
    newest_ns = ns("receive time of the newest tick in the figure")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    seq = big("seq of the record in its stream and epoch")
    initial_margin = number("requirement, base currency")
    maintenance_margin = number("requirement, base currency")
    reg_t_margin = number("requirement, base currency")
    market_value = number("base currency")
    unrealized_pnl = number("base currency")
    share = number("of the account's maintenance margin, 0 to 1")
    con_id = whole("contract id of the underlying; 0 where unknown")
    legs = whole("positions in it")
    flags = whole("bits: MarginFlag")
    stream = small("5 margin record")
    account = text("IB's account id")
    underlying = text("symbol of the class group")

    class Meta:
        managed = False
        db_table = "margin_group_snapshot"
        db_table_comment = "margin of an underlying in an account, by day of publishing"
