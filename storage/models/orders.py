"""Orders, fills, and who did what."""

from __future__ import annotations

from django.db import models

from storage.models.columns import Recorded, big, body, con_id, finite, flag, known, ns, number, text, whole


class OrderIntent(Recorded):
    """An order that was durable here before it was sent."""

    quantity = known("shares or contracts")
    limit_price = number("price a unit; unknown for a market order")
    order_id = whole("of our client")
    con_id = con_id()
    outside_rth = flag("also outside regular hours")
    client_key = text("made by the client; a repeated one sends nothing")
    account = text("IB's account id")
    side = text("BUY or SELL")
    order_type = text("MKT or LMT")
    time_in_force = text("DAY, GTC …")
    actor = text("who asked")
    action = text("place, modify or cancel")

    class Meta:
        db_table = "order_intent"
        db_table_comment = "orders as they were asked for, durable before they were sent"
        constraints = finite("order_intent", "quantity", "limit_price")
        indexes = (
            # what was asked for with one key
            models.Index(fields=["client_key"], name="order_intent_client_key"),
        )


class Order(models.Model):
    """An order as TWS told of it."""

    perm_id = big("TWS's permanent id; 0 before TWS has answered")
    recv_ns = ns("when it was received here")
    publish_ns = ns("when it was published")
    quantity = known("shares or contracts")
    limit_price = number("price a unit; unknown for a market order")
    filled = number("shares or contracts")
    remaining = number("shares or contracts")
    average_price = number("of the fills, a unit")
    order_id = whole("of its client")
    client_id = whole("API client that placed it; 0: TWS itself")
    con_id = con_id()
    client_key = text("ours; empty where it was made elsewhere")
    account = text("IB's account id")
    symbol = text("symbol")
    side = text("BUY or SELL")
    order_type = text("MKT, LMT …")
    time_in_force = text("DAY, GTC …")
    status = text("Intent PendingSubmit PreSubmitted Submitted Filled Cancelled ApiCancelled Inactive Rejected Unknown")
    stop_price = number("trigger of a stop, or the amount that a trail follows by")
    trailing_percent = number("in percent")
    parent_id = whole("order id of the parent in a bracket; 0: none")
    oca_group = text("orders of which one fill cancels the others; empty: none")
    text = text("TWS's words for a refusal or a warning")

    class Meta:
        abstract = True


class OrderState(Order, Recorded):
    """Each state of an order that came."""

    publish_ns = ns("when it was published")

    class Meta:
        db_table = "order_state"
        db_table_comment = "every state of every order"
        constraints = finite("order_state", "quantity", "limit_price", "filled", "remaining", "average_price",
                             "stop_price", "trailing_percent")  # fmt: skip
        indexes = (
            # history of one order
            models.Index(fields=["client_id", "order_id", "perm_id"], name="order_state_order"),
        )


class LatestOrder(Order):
    """Each order as TWS last told of it."""

    order_key = models.TextField(
        primary_key=True,
        db_comment="<client id>:<order id>, or perm:<perm id> for an order without an API id",
    )

    class Meta:
        db_table = "latest_order"
        db_table_comment = "orders, newest state"
        indexes = (
            # orders of an account, newest first
            models.Index(fields=["account", "-recv_ns"], name="latest_order_account"),
        )


class Execution(Recorded):
    """One fill, once; TWS sends it again after every reconnect, and repeats go to `event`."""

    perm_id = big("TWS's permanent id of the order")
    recv_ns = ns("when it was received here")
    shares = known("shares or contracts")
    price = known("a unit")
    cumulative = number("filled of the order so far")
    average_price = number("of the order so far, a unit")
    order_id = whole("of its client")
    client_id = whole("API client that placed the order; 0: TWS itself")
    con_id = con_id()
    exec_id = models.TextField(unique=True, db_comment="TWS's id of the fill: the natural key")
    account = text("IB's account id")
    symbol = text("symbol")
    side = text("BOT or SLD")
    exchange = text("where it was filled")
    time_text = text("TWS's time, as it spells it")
    time_ns = ns("of the fill; 0 where TWS's text can't be read")
    liquidity = whole("1 added, 2 removed, 3 routed out; 0 unknown")

    class Meta:
        db_table = "execution"
        db_table_comment = "fills, once each"
        constraints = finite("execution", "shares", "price", "cumulative", "average_price")
        indexes = (
            # fills of an account, newest first
            models.Index(fields=["account", "-recv_ns"], name="execution_account"),
        )


class Commission(Recorded):
    """What a fill cost; may come before its fill, and again after a reconnect: the newest counts."""

    recv_ns = ns("when it was received here")
    commission = number("in `currency`")
    realized_pnl = number("in `currency`; unknown for an opening fill")
    exec_id = text("TWS's id of the fill")
    currency = text("of both figures")

    class Meta:
        db_table = "commission"
        db_table_comment = "commissions as TWS sent them"
        constraints = finite("commission", "commission", "realized_pnl")
        indexes = (
            # commission of a fill
            models.Index(fields=["exec_id"], name="commission_exec_id"),
        )


class OrderPreview(Recorded):
    """What an order would have done to margin, by our model and by TWS."""

    recv_ns = ns("when TWS answered; 0 where it did not")
    quantity = known("shares or contracts")
    limit_price = number("price a unit; unknown for a market order")
    commission = number("TWS's estimate")
    con_id = con_id()
    client_key = text("made by the client")
    account = text("IB's account id")
    side = text("BUY or SELL")
    order_type = text("MKT or LMT")
    warning = text("TWS's")
    model = body("our figures: initial_before, initial_after, initial_change, the same for maintenance, equity, excess")
    tws = body("TWS's figures, the same keys")
    refusals = body("reasons of our gate")

    class Meta:
        db_table = "order_preview"
        db_table_comment = "margin previews of orders"
        constraints = finite("order_preview", "quantity", "limit_price", "commission")


class Audit(Recorded):
    """Who did what. A chain by hash; nothing can change, remove or truncate it."""

    chain = models.BigIntegerField(unique=True, db_comment="place in the chain, 1 on; set by the trigger")
    actor = text("who")
    action = text("what")
    body = body("as it was given")
    prev = models.BinaryField(db_comment="hash of the row before; set by the trigger")
    hash = models.BinaryField(db_comment="sha256 of prev and this row; set by the trigger")

    class Meta:
        db_table = "audit"
        db_table_comment = "who did what: append-only, chained by hash"
