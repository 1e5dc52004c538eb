"""Cursors: stable while rows are added, limited always."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination

DEFAULT, MOST = 100, 500


class Cursor(CursorPagination):
    """`?limit=` up to 500, `next` and `previous` are addresses."""

    page_size = DEFAULT
    max_page_size = MOST
    page_size_query_param = "limit"


class Newest(Cursor):
    """Newest published first."""

    ordering = ("-publish_ns",)


class NewestReceived(Cursor):
    """Newest received first."""

    ordering = ("-recv_ns",)


class NewestInChain(Cursor):
    """Newest link first."""

    ordering = ("-chain",)


class ByContract(Cursor):
    """By contract id."""

    ordering = ("con_id",)


class ByAccountContract(Cursor):
    """By account, then contract id."""

    ordering = ("account", "con_id")


class ByKey(Cursor):
    """By TWS's key."""

    ordering = ("key", "currency")
