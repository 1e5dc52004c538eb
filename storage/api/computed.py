"""What the margin engine answers now: an account explained, and what trades would change. Computes only."""

from __future__ import annotations

from typing import Any

import zmq
from django.conf import settings
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pipeline import messages
from pipeline.bus.control import CommandClient, new_request_id
from pipeline.bus.sockets import terminate
from pipeline.clock import SystemClock
from storage.api.errors import Unavailable
from storage.api.figures import plain, utc
from storage.api.schema import ACCOUNT, DECIMAL, error_responses

ANSWER_S = 3.0
TRADES_A_REQUEST = 50


class Refused(Exception):
    """The engine answered no; the text says why."""


def ask_margin(command: messages.AnyCommand) -> dict[str, Any]:
    """The engine's answer; Unavailable when it is away, Refused when it says no."""
    if settings.RUNTIME is None:
        raise Unavailable("This server belongs to no run, so there is no margin engine to ask.")
    context: zmq.Context[Any] = zmq.Context()
    client = CommandClient(context, settings.RUNTIME, "margin", SystemClock())
    try:
        reply = client.ask(command, ANSWER_S)
    finally:
        client.close()
        terminate(context)
    if reply.ok:
        return reply.body
    if reply.text.startswith(("no answer from", "margin is not there")):  # the client's own words, not the engine's
        raise Unavailable("The margin engine is away; ask again in a moment.")
    raise Refused(reply.text)


class ExplainView(APIView):
    """The requirement of an account, explained: account ▸ underlying ▸ group ▸ leg, with rule, formula and numbers."""

    @extend_schema(
        tags=["margin"],
        parameters=[ACCOUNT],
        responses={
            200: inline_serializer(
                "MarginTree",
                {
                    "account": serializers.CharField(),
                    "rule_set": serializers.CharField(),
                    "as_of": serializers.DateTimeField(allow_null=True),
                    "source": serializers.CharField(),
                    "root": serializers.DictField(help_text="A node; its `children` are nodes of the level below."),
                },
            ),
            **error_responses(404, 503),
        },
    )
    def get(self, request: Request, account: str) -> Response:
        """404 for an account that the engine has no figures of."""
        command = messages.Explain(request_id=new_request_id(), actor=request.user.get_username(), account=account)
        try:
            tree = ask_margin(command)["tree"]
        except Refused as error:
            raise NotFound(str(error)) from error
        body = {
            "account": account,
            "rule_set": tree["rule_set"],
            "as_of": utc(tree["newest_ns"]),
            "source": "model",
            "root": plain(tree["root"]),
        }
        return Response(body)


class TradeSerializer(serializers.Serializer[Any]):
    """A trade that is only thought of."""

    con_id = serializers.IntegerField(min_value=1)
    side = serializers.ChoiceField(choices=["BUY", "SELL"])
    quantity = serializers.FloatField(min_value=0.0001, max_value=1e9)
    limit_price = serializers.FloatField(required=False, allow_null=True)


class WhatIfSerializer(serializers.Serializer[Any]):
    """An account and the trades to add to it."""

    account = serializers.CharField(max_length=16)
    trades = TradeSerializer(many=True, allow_empty=False, max_length=TRADES_A_REQUEST)


class WhatIfView(APIView):
    """Margin before and after some trades, by our model. Nothing is sent anywhere."""

    @extend_schema(
        tags=["margin"],
        request=WhatIfSerializer,
        responses={
            200: inline_serializer(
                "WhatIf",
                {
                    "account": serializers.CharField(),
                    "source": serializers.CharField(),
                    **{
                        part: serializers.DictField(child=serializers.CharField(**DECIMAL))
                        for part in ("before", "after", "change")
                    },
                },
            ),
            **error_responses(400, 503),
        },
    )
    def post(self, request: Request) -> Response:
        """Trades fill at their limit price, else at the mark."""
        given = WhatIfSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        account = given.validated_data["account"]
        trades = [_spec(account, trade) for trade in given.validated_data["trades"]]
        command = messages.WhatIf(
            request_id=new_request_id(), actor=request.user.get_username(), account=account, trades=trades
        )
        try:
            answer = ask_margin(command)
        except Refused as error:
            raise ValidationError({"trades": [str(error)]}) from error
        return Response({"account": account, "source": "model", **plain(answer)})


def _spec(account: str, trade: dict[str, Any]) -> messages.OrderSpec:
    limit = trade.get("limit_price")
    return messages.OrderSpec(
        account=account,
        con_id=trade["con_id"],
        side=trade["side"],
        quantity=trade["quantity"],
        order_type="MKT" if limit is None else "LMT",
        **({} if limit is None else {"limit_price": limit}),
    )
