"""Contracts and their newest quotes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from storage import selectors
from storage.api import paging
from storage.api.fields import Contract, Decimal, Moment, Source
from storage.api.listing import Listing
from storage.api.schema import listed
from storage.selectors import Row, Rows


class QuoteFilter(serializers.Serializer[Any]):
    """One contract, or all."""

    con_id = serializers.IntegerField(required=False, min_value=1)


@listed(operation_id="quotes", tags=["market"], parameters=[QuoteFilter])
class QuotesView(Listing):
    """The newest prices and sizes of each contract; at most a second behind the live stream."""

    @extend_schema_serializer(component_name="Quote")
    class OutputSerializer(serializers.Serializer[Any]):
        con_id = serializers.IntegerField()
        contract = Contract(allow_null=True)
        bid = Decimal()
        bid_size = Decimal()
        ask = Decimal()
        ask_size = Decimal()
        last = Decimal()
        last_size = Decimal()
        high = Decimal()
        low = Decimal()
        close = Decimal()
        volume = Decimal()
        source = Source("tws")
        as_of = Moment(help_text="When the newest of them was received.")
        market_time = Moment()

    serializer_class = OutputSerializer
    FilterSerializer = QuoteFilter
    pagination_class = paging.ByContract

    def rows(self, con_id: int | None = None, **query: Any) -> Rows:
        """By contract id."""
        return selectors.quotes([con_id] if con_id else [])

    def complete(self, rows: list[Row]) -> list[Row]:
        """Contracts of the page in one query."""
        known = selectors.contracts(row["con_id"] for row in rows)
        return [{**row, "contract": known.get(row["con_id"])} for row in rows]


class InstrumentFilter(serializers.Serializer[Any]):
    """One symbol, or all."""

    symbol = serializers.CharField(required=False, max_length=32)


@listed(operation_id="instruments", tags=["market"], parameters=[InstrumentFilter])
class InstrumentsView(Listing):
    """Contracts that TWS has described."""

    @extend_schema_serializer(component_name="Instrument")
    class OutputSerializer(Contract):
        exchange = serializers.CharField()
        primary_exchange = serializers.CharField()
        long_name = serializers.CharField()
        min_tick = Decimal()
        under_symbol = serializers.CharField()

    serializer_class = OutputSerializer
    FilterSerializer = InstrumentFilter
    pagination_class = paging.ByContract

    def rows(self, **query: Any) -> Rows:
        """By contract id."""
        return selectors.instruments(**query)
