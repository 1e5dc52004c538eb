"""What every list does the same way: check the query, select, page, complete the page, serialize."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from storage.selectors import Row, Rows


class NoFilter(serializers.Serializer[Any]):
    """A list without filters."""


class ByAccount(serializers.Serializer[Any]):
    """The filter that most lists have."""

    account = serializers.CharField(
        required=False, max_length=16, help_text="IB's account id; all where it is left out."
    )


class Listing(ListAPIView[Any]):
    """Say `rows`, `FilterSerializer`, `serializer_class`, `pagination_class`; `complete` where a page needs more."""

    FilterSerializer: type[serializers.Serializer[Any]] = NoFilter

    def rows(self, **query: Any) -> Rows:
        """The rows that the checked query and the path ask for."""
        raise AssertionError(f"{type(self).__name__} selects nothing")

    def complete(self, rows: list[Row]) -> list[Row]:
        """Add what the rows of one page refer to, in a fixed number of queries."""
        return rows

    def list(self, request: Request, *args: Any, **path: Any) -> Response:
        """One page."""
        given = self.FilterSerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        page = self.paginate_queryset(self.rows(**given.validated_data, **path))
        assert page is not None, "every list is paged"
        return self.get_paginated_response(self.get_serializer(self.complete(list(page)), many=True).data)
