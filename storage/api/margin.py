"""Recorded margin: each account once a second, at each change of level, at each fill."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pipeline.messages import MarginFlag
from storage import selectors
from storage.api import paging
from storage.api.fields import Decimal, Moment, Source
from storage.api.listing import Listing
from storage.api.schema import ACCOUNT, error_responses, listed
from storage.selectors import Row, Rows

LEVELS = ("OK", "CAUTION", "WARN", "ALARM", "CRITICAL")


class TwsFigures(serializers.Serializer[Any]):
    """TWS's own figures at that moment."""

    net_liquidation = Decimal()
    initial_margin = Decimal()
    maintenance_margin = Decimal()
    excess_liquidity = Decimal()
    source = Source("tws")
    as_of = Moment()


class Figures(serializers.Serializer[Any]):
    """One account's margin by our model, with TWS's own beside it."""

    account = serializers.CharField()
    source = Source("model")
    as_of = Moment(help_text="When it was published.")
    newest_input = Moment(help_text="Receive time of the newest tick in it.")
    market_time = Moment()
    level = serializers.ChoiceField(choices=LEVELS)
    at_least = serializers.BooleanField(help_text="An input is missing: requirements are lower bounds.")
    positions = serializers.IntegerField()
    net_liquidation = Decimal()
    equity_with_loan = Decimal()
    initial_margin = Decimal()
    maintenance_margin = Decimal()
    reg_t_margin = Decimal()
    available_funds = Decimal()
    excess_liquidity = Decimal()
    cushion = Decimal(help_text="Excess liquidity / net liquidation.")
    buying_power = Decimal()
    gross_position_value = Decimal()
    unrealized_pnl = Decimal()
    daily_pnl = Decimal()
    cash = Decimal()
    gap = Decimal(help_text="(model − TWS) / TWS of maintenance margin.")
    tws = TwsFigures()


def figures(row: Row) -> Row:
    """A stored snapshot in the shape of `Figures`."""
    return {
        **row,
        "as_of": row["publish_ns"],
        "newest_input": row["newest_ns"],
        "market_time": row["market_ns"],
        "level": LEVELS[min(row["level"], len(LEVELS) - 1)],
        "at_least": bool(row["flags"] & MarginFlag.AT_LEAST),
        "tws": {
            "net_liquidation": row["tws_net_liquidation"],
            "initial_margin": row["tws_initial_margin"],
            "maintenance_margin": row["tws_maintenance_margin"],
            "excess_liquidity": row["tws_excess_liquidity"],
            "as_of": row["tws_ns"],
        },
    }


class MarginView(APIView):
    """The newest figures of every account."""

    @extend_schema(operation_id="margin", tags=["margin"], responses={200: Figures(many=True), **error_responses(503)})
    def get(self, request: Request) -> Response:
        """Not paged: one object an account."""
        return Response(Figures([figures(row) for row in selectors.margin()], many=True).data)


class AccountMarginView(APIView):
    """The newest figures of one account."""

    @extend_schema(
        operation_id="margin_of_account",
        tags=["margin"],
        parameters=[ACCOUNT],
        responses={200: Figures, **error_responses(404, 503)},
    )
    def get(self, request: Request, account: str) -> Response:
        """404 where nothing was recorded of it."""
        row = selectors.margin_of(account)
        if row is None:
            raise NotFound(f"No margin of account {account} has been recorded.")
        return Response(Figures(figures(row)).data)


class AttributionView(APIView):
    """Requirement of each underlying in the newest recorded picture, the largest first."""

    @extend_schema_serializer(component_name="UnderlyingMargin")
    class OutputSerializer(serializers.Serializer[Any]):
        underlying = serializers.CharField()
        con_id = serializers.IntegerField(help_text="Of the underlying; 0 where it is not known.")
        legs = serializers.IntegerField()
        at_least = serializers.BooleanField()
        initial_margin = Decimal()
        maintenance_margin = Decimal()
        reg_t_margin = Decimal()
        market_value = Decimal()
        unrealized_pnl = Decimal()
        share = Decimal(help_text="Of the account's maintenance margin, 0 to 1.")
        source = Source("model")
        as_of = Moment()

    @extend_schema(
        operation_id="margin_attribution",
        tags=["margin"],
        parameters=[ACCOUNT],
        responses={200: OutputSerializer(many=True), **error_responses(503)},
    )
    def get(self, request: Request, account: str) -> Response:
        """Not paged: one object an underlying that is held."""
        rows = [{**row, "at_least": bool(row["flags"] & MarginFlag.AT_LEAST)} for row in selectors.attribution(account)]
        return Response(self.OutputSerializer(rows, many=True).data)


class Interval(serializers.Serializer[Any]):
    """[from, to) in UTC ISO times."""

    to = serializers.DateTimeField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's, so it can't be a class attribute."""
        return {"from": serializers.DateTimeField(required=False), **super().get_fields()}


@listed(operation_id="margin_history", tags=["margin"], parameters=[ACCOUNT, Interval])
class HistoryView(Listing):
    """Recorded figures of an account, the newest first."""

    serializer_class = Figures
    FilterSerializer = Interval
    pagination_class = paging.Newest

    def rows(self, account: str = "", **query: Any) -> Rows:
        """In [from, to)."""
        edges = [int(query[name].timestamp() * 1e9) if name in query else None for name in ("from", "to")]
        return selectors.margin_history(account, *edges)

    def complete(self, rows: list[Row]) -> list[Row]:
        """The stored columns in the shape of the answer."""
        return [figures(row) for row in rows]
