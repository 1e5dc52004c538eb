"""Accounts and positions as TWS tells them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from storage import selectors
from storage.api import paging
from storage.api.fields import Contract, Decimal, Moment, Source
from storage.api.listing import ByAccount, Listing
from storage.api.schema import ACCOUNT, error_responses, listed
from storage.selectors import Row, Rows


class AccountsView(APIView):
    """Every account with TWS's own summary; the model's figures are under margin."""

    @extend_schema_serializer(component_name="Account")
    class OutputSerializer(serializers.Serializer[Any]):
        account = serializers.CharField()
        currency = serializers.CharField(help_text="Base currency of the figures.")
        source = Source("tws")
        as_of = Moment()
        net_liquidation = Decimal()
        equity_with_loan = Decimal()
        initial_margin = Decimal()
        maintenance_margin = Decimal()
        available_funds = Decimal()
        excess_liquidity = Decimal()
        cushion = Decimal()
        buying_power = Decimal()
        gross_position_value = Decimal()
        cash = Decimal()

    @extend_schema(
        operation_id="accounts", tags=["accounts"], responses={200: OutputSerializer(many=True), **error_responses(503)}
    )
    def get(self, request: Request) -> Response:
        """Not paged: TWS gives one login at most some dozen accounts."""
        return Response(self.OutputSerializer(selectors.accounts(), many=True).data)


@listed(operation_id="account_values", tags=["accounts"], parameters=[ACCOUNT])
class AccountValuesView(Listing):
    """Every key of an account as TWS last sent it."""

    @extend_schema_serializer(component_name="AccountValue")
    class OutputSerializer(serializers.Serializer[Any]):
        key = serializers.CharField()
        currency = serializers.CharField()
        value = Decimal()
        text = serializers.CharField(help_text="As TWS spelled it.")
        source = Source("tws")
        as_of = Moment()

    serializer_class = OutputSerializer
    pagination_class = paging.ByKey

    def rows(self, account: str = "", **query: Any) -> Rows:
        """By key."""
        return selectors.account_values(account)


@listed(operation_id="positions", tags=["accounts"], parameters=[ByAccount])
class PositionsView(Listing):
    """Open positions with their contracts."""

    @extend_schema_serializer(component_name="Position")
    class OutputSerializer(serializers.Serializer[Any]):
        account = serializers.CharField()
        con_id = serializers.IntegerField()
        contract = Contract(allow_null=True)
        quantity = Decimal()
        average_cost = Decimal(help_text="TWS's: includes the multiplier.")
        market_price = Decimal()
        market_value = Decimal()
        unrealized_pnl = Decimal()
        realized_pnl = Decimal()
        source = Source("tws")
        as_of = Moment()

    serializer_class = OutputSerializer
    FilterSerializer = ByAccount
    pagination_class = paging.ByAccountContract

    def rows(self, account: str = "", **query: Any) -> Rows:
        """By account and contract."""
        return selectors.positions(account)

    def complete(self, rows: list[Row]) -> list[Row]:
        """Contracts of the page in one query."""
        known = selectors.contracts(row["con_id"] for row in rows)
        return [{**row, "contract": known.get(row["con_id"])} for row in rows]
