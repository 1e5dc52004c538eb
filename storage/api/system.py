"""The state of the system as it was recorded: processes, TWS connections, streams, events, gaps, audit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pipeline.messages import StreamId
from storage import selectors
from storage.api import paging
from storage.api.fields import Decimal, Moment, Source
from storage.api.listing import Listing
from storage.api.permissions import IsOperator
from storage.api.schema import error_responses, listed
from storage.selectors import Rows


class ProcessEventFields(serializers.Serializer[Any]):
    """What the supervisor did or saw."""

    process = serializers.CharField()
    event = serializers.CharField(help_text="start · ready · exit · hung · restart · failed · stop")
    pid = serializers.IntegerField()
    exit_code = serializers.IntegerField(allow_null=True)
    text = serializers.CharField()


class LastEvent(ProcessEventFields):
    """The last event of a process."""

    source = Source("record")
    as_of = Moment()


class Connection(serializers.Serializer[Any]):
    """The newest state of a TWS connection."""

    client = serializers.CharField()
    state = serializers.CharField()
    reason = serializers.CharField()
    address = serializers.CharField()
    client_id = serializers.IntegerField()
    server_version = serializers.IntegerField()
    paper = serializers.BooleanField()
    accounts = serializers.ListField(child=serializers.CharField())
    lines_used = serializers.IntegerField()
    lines_limit = serializers.IntegerField()
    round_trip_ms = Decimal()
    farms = serializers.DictField(child=serializers.CharField())
    source = Source("record")
    as_of = Moment()


class Mark(serializers.Serializer[Any]):
    """How far a stream is in PostgreSQL."""

    stream = serializers.CharField()
    next_seq = serializers.IntegerField(help_text="The first seq that is not committed.")
    source = Source("record")
    as_of = Moment()


class SystemView(APIView):
    """Last event of each process, newest state of each TWS connection, how far the record is."""

    @extend_schema_serializer(component_name="System")
    class OutputSerializer(serializers.Serializer[Any]):
        processes = LastEvent(many=True)
        tws = Connection(many=True)
        streams = Mark(many=True)

    @extend_schema(operation_id="system", tags=["system"], responses={200: OutputSerializer, **error_responses(503)})
    def get(self, request: Request) -> Response:
        """Not paged: a handful of each."""
        streams = [{**row, "stream": _stream_name(row["stream"])} for row in selectors.watermarks()]
        body = {"processes": selectors.process_states(), "tws": selectors.tws_states(), "streams": streams}
        return Response(self.OutputSerializer(body).data)


def _stream_name(number: int) -> str:
    return StreamId(number).name.lower() if number in set(StreamId) else str(number)


@listed(operation_id="events", tags=["system"])
class EventsView(Listing):
    """Starts, ends and restarts of processes, the newest first."""

    @extend_schema_serializer(component_name="ProcessEvent")
    class OutputSerializer(ProcessEventFields):
        source = Source("record")
        as_of = Moment(source="publish_ns")

    serializer_class = OutputSerializer
    pagination_class = paging.Newest

    def rows(self, **query: Any) -> Rows:
        """Newest first."""
        return selectors.process_events()


@listed(operation_id="gaps", tags=["system"])
class GapsView(Listing):
    """Intervals that were not recorded, the newest first."""

    @extend_schema_serializer(component_name="Gap")
    class OutputSerializer(serializers.Serializer[Any]):
        process = serializers.CharField()
        begin = Moment(source="from_ns")
        end = Moment(source="to_ns")
        from_seq = serializers.IntegerField(help_text="0 where it is not known.")
        to_seq = serializers.IntegerField(help_text="0 where it is not known.")
        reason = serializers.CharField()
        source = Source("record")
        as_of = Moment(source="publish_ns")

    serializer_class = OutputSerializer
    pagination_class = paging.Newest

    def rows(self, **query: Any) -> Rows:
        """Newest first."""
        return selectors.gaps()


@listed(operation_id="audit", tags=["system"])
class AuditView(Listing):
    """Who did what, the newest first. For operators."""

    @extend_schema_serializer(component_name="AuditEntry")
    class OutputSerializer(serializers.Serializer[Any]):
        chain = serializers.IntegerField(help_text="Place in the chain of hashes.")
        actor = serializers.CharField()
        action = serializers.CharField()
        body = serializers.DictField()
        source = Source("record")
        as_of = Moment(source="publish_ns")

    serializer_class = OutputSerializer
    pagination_class = paging.NewestInChain
    permission_classes = (IsOperator,)

    def rows(self, **query: Any) -> Rows:
        """Newest first."""
        return selectors.audit()
