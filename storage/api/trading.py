"""Orders and fills, to read. Nothing here sends an order."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from storage import selectors
from storage.api import paging
from storage.api.fields import Contract, Decimal, Moment, Source
from storage.api.listing import ByAccount, Listing
from storage.api.schema import listed
from storage.selectors import Row, Rows


class OrderFilter(ByAccount):
    """Orders may be asked for by status too."""

    status = serializers.CharField(required=False, max_length=20, help_text="TWS's word, e.g. Submitted or Filled.")


@listed(operation_id="orders", tags=["orders"], parameters=[OrderFilter])
class OrdersView(Listing):
    """Orders in their newest state, those made in TWS too."""

    @extend_schema_serializer(component_name="Order")
    class OutputSerializer(serializers.Serializer[Any]):
        order_key = serializers.CharField(help_text="Stays the same for the life of the order.")
        perm_id = serializers.IntegerField()
        order_id = serializers.IntegerField()
        client_id = serializers.IntegerField()
        client_key = serializers.CharField()
        account = serializers.CharField()
        con_id = serializers.IntegerField()
        contract = Contract(allow_null=True)
        symbol = serializers.CharField()
        side = serializers.CharField()
        order_type = serializers.CharField()
        quantity = Decimal()
        limit_price = Decimal()
        time_in_force = serializers.CharField()
        status = serializers.CharField()
        filled = Decimal()
        remaining = Decimal()
        average_price = Decimal()
        text = serializers.CharField(help_text="TWS's words for a refusal or a warning.")
        source = Source("tws")
        as_of = Moment(source="recv_ns")

    serializer_class = OutputSerializer
    FilterSerializer = OrderFilter
    pagination_class = paging.NewestReceived

    def rows(self, **query: Any) -> Rows:
        """Newest first."""
        return selectors.orders(**query)

    def complete(self, rows: list[Row]) -> list[Row]:
        """Contracts of the page in one query."""
        known = selectors.contracts(row["con_id"] for row in rows)
        return [{**row, "contract": known.get(row["con_id"])} for row in rows]


@listed(operation_id="executions", tags=["orders"], parameters=[ByAccount])
class ExecutionsView(Listing):
    """Fills, once each, with what they cost where TWS has said it."""

    @extend_schema_serializer(component_name="Execution")
    class OutputSerializer(serializers.Serializer[Any]):
        exec_id = serializers.CharField()
        perm_id = serializers.IntegerField()
        order_id = serializers.IntegerField()
        client_id = serializers.IntegerField()
        account = serializers.CharField()
        con_id = serializers.IntegerField()
        symbol = serializers.CharField()
        side = serializers.CharField(help_text="BOT or SLD")
        shares = Decimal()
        price = Decimal()
        cumulative = Decimal()
        average_price = Decimal()
        exchange = serializers.CharField()
        time_text = serializers.CharField(help_text="TWS's time, as it spells it.")
        commission = Decimal()
        commission_currency = serializers.CharField(allow_null=True)
        realized_pnl = Decimal()
        source = Source("tws")
        as_of = Moment(source="recv_ns")

    serializer_class = OutputSerializer
    FilterSerializer = ByAccount
    pagination_class = paging.NewestReceived

    def rows(self, **query: Any) -> Rows:
        """Newest first."""
        return selectors.executions(**query)

    def complete(self, rows: list[Row]) -> list[Row]:
        """Commissions of the page in one query."""
        costs = selectors.commissions(row["exec_id"] for row in rows)
        return [
            {
                **row,
                "commission": costs.get(row["exec_id"], {}).get("commission"),
                "commission_currency": costs.get(row["exec_id"], {}).get("currency"),
                "realized_pnl": costs.get(row["exec_id"], {}).get("realized_pnl"),
            }
            for row in rows
        ]
