"""What happened to the system itself, and how far the recording is."""

from __future__ import annotations

from django.db import models

from storage.models.columns import Positioned, Recorded, big, body, finite, flag, known, ns, number, text, whole


class ProcessEvent(Recorded):
    """What the supervisor did or saw."""

    pid = whole("of the process; 0 where there was none")
    exit_code = models.IntegerField(null=True, db_comment="negative: the signal that ended it")
    process = text("postgres gateway writer ingest orders margin web desk")
    event = text("start ready exit hung restart failed stop")
    text = text("why, for people")

    class Meta:
        db_table = "process_event"
        db_table_comment = "starts, ends and restarts of processes"
        indexes = (
            # newest events first
            models.Index(fields=["-publish_ns"], name="process_event_newest"),
        )


class Gap(Recorded):
    """Something that was not recorded."""

    from_ns = ns("from when")
    to_ns = ns("to when")
    from_seq = big("first seq that is missing; 0 where it is not known")
    to_seq = big("first seq behind it; 0 where it is not known")
    process = text("whose record it is")
    reason = text("why, for people")

    class Meta:
        db_table = "gap"
        db_table_comment = "intervals that were not recorded"


class TwsState(Recorded):
    """The state of a TWS connection."""

    market_time_ns = ns("TWS's time when it was published; 0 where unknown")
    market_rate = known("market seconds a second")
    messages_per_s = number("sent to TWS")
    round_trip_ms = number("of the last probe, milliseconds")
    client_id = whole("of this connection")
    server_version = whole("of TWS's protocol")
    connection = whole("counts connections of the process")
    lines_used = whole("market-data lines")
    lines_limit = whole("market-data lines")
    unknown_messages = whole("since the process's start")
    bad_messages = whole("since the process's start")
    silent_lines = whole("lines that should bring ticks and don't")
    waiting = whole("requests that wait for their turn under TWS's message limit")
    paper = flag("a paper account")
    competing = flag("another session of the user takes the market data")
    verified = flag("since the last outage each line has brought a tick or was asked for again")
    client = text("ingest or orders")
    state = text("CONNECTING SYNCING READY DEGRADED DISCONNECTED REFUSED")
    reason = text("why, for people")
    address = text("host:port")
    outage = text("failure, nightly restart, weekly login, client id, not allowed; empty while READY")
    accounts = body("account ids")
    farms = body("data farm → its state")

    class Meta:
        db_table = "tws_state"
        db_table_comment = "states of the TWS connections"
        constraints = finite("tws_state", "market_rate", "messages_per_s", "round_trip_ms")
        indexes = (
            # newest state of a client
            models.Index(fields=["client", "-publish_ns"], name="tws_state_newest"),
        )


class Event(Recorded):
    """A message without a table of its own, and a fill that came again."""

    topic = text("of the message")
    kind = text("of the message")
    body = body("the message")

    class Meta:
        db_table = "event"
        db_table_comment = "messages without a table of their own"
        indexes = (
            # newest of a kind
            models.Index(fields=["kind", "-publish_ns"], name="event_kind"),
        )


class RejectedRow(Positioned):
    """A record that PostgreSQL or our decoder refused, as it came: nothing is lost, the stream goes on."""

    at_ns = ns("when it was refused")
    count = whole("records in `raw`: 1, or those of a frame that can't be cut")
    topic = text("of its frame")
    error = text("why it was refused")
    raw = models.BinaryField(db_comment="the record or the message, byte by byte")

    class Meta:
        db_table = "storage_reject"
        db_table_comment = "records that were refused, with the reason"


class Watermark(models.Model):
    """How far each stream is committed; advanced in the transaction that holds the rows."""

    stream = models.SmallIntegerField(primary_key=True, db_comment="1 supervisor, 2 ingest, 3 orders, 5 margin record")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    next_seq = big("first seq that is not committed")
    quotes_seq = big("first seq that is not in latest_quote")
    updated_ns = ns("when it moved last")

    class Meta:
        db_table = "watermark"
        db_table_comment = "how far each stream is committed"
