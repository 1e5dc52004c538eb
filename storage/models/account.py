"""What TWS says of the accounts."""

from __future__ import annotations

from django.db import models

from storage.models.columns import Recorded, con_id, finite, known, ns, number, text


class AccountValue(Recorded):
    """One account key, each time that TWS sent it."""

    recv_ns = ns("when it was received here")
    account = text("IB's account id")
    key = text("TWS's key, e.g. NetLiquidation")
    currency = text("currency, BASE, or empty")
    value = number("the number; unknown where it is none or unset")
    text = text("as TWS spelled it")

    class Meta:
        db_table = "account_value"
        db_table_comment = "account keys as TWS sent them"
        constraints = finite("account_value", "value")
        indexes = (
            # history of one key of one account, newest first
            models.Index(fields=["account", "key", "-recv_ns"], name="account_value_history"),
        )


class LatestAccountValue(models.Model):
    """Each account key as TWS last sent it."""

    pk = models.CompositePrimaryKey("account", "key", "currency")
    recv_ns = ns("when it was received here")
    value = number("the number; unknown where it is none or unset")
    account = text("IB's account id")
    key = text("TWS's key, e.g. NetLiquidation")
    currency = text("currency, BASE, or empty")
    text = text("as TWS spelled it")

    class Meta:
        db_table = "latest_account_value"
        db_table_comment = "account keys, newest"


class Position(Recorded):
    """One position, each time that TWS sent it; quantity 0 ended it."""

    recv_ns = ns("when it was received here")
    quantity = known("shares or contracts, negative where short")
    average_cost = number("TWS's, includes the multiplier")
    market_price = number("price a unit")
    market_value = number("quantity × price × multiplier, the instrument's currency")
    unrealized_pnl = number("the instrument's currency")
    realized_pnl = number("the instrument's currency")
    con_id = con_id()
    account = text("IB's account id")

    class Meta:
        db_table = "position"
        db_table_comment = "positions as TWS sent them"
        constraints = finite(
            "position",
            "quantity",
            "average_cost",
            "market_price",
            "market_value",
            "unrealized_pnl",
            "realized_pnl",
        )
        indexes = (
            # history of one position, newest first
            models.Index(fields=["account", "con_id", "-recv_ns"], name="position_history"),
        )


class LatestPosition(models.Model):
    """Each position as TWS last sent it; quantity 0: it was ended."""

    pk = models.CompositePrimaryKey("account", "con_id")
    recv_ns = ns("when it was received here")
    quantity = known("shares or contracts, negative where short")
    average_cost = number("TWS's, includes the multiplier")
    market_price = number("price a unit")
    market_value = number("quantity × price × multiplier, the instrument's currency")
    unrealized_pnl = number("the instrument's currency")
    realized_pnl = number("the instrument's currency")
    con_id = con_id()
    account = text("IB's account id")

    class Meta:
        db_table = "latest_position"
        db_table_comment = "positions, newest; quantity 0: ended"


class AccountPnL(Recorded):
    """TWS's own profit and loss of an account."""

    recv_ns = ns("when it was received here")
    daily = number("since the last close, base currency")
    unrealized = number("base currency")
    realized = number("today, base currency")
    account = text("IB's account id")

    class Meta:
        db_table = "account_pnl"
        db_table_comment = "profit and loss as TWS sent it"
        constraints = finite("account_pnl", "daily", "unrealized", "realized")
        indexes = (
            # newest of an account
            models.Index(fields=["account", "-recv_ns"], name="account_pnl_history"),
        )
