"""What the tables share: the columns of a position, short words for the usual columns, refusal of unset numbers."""

from __future__ import annotations

from typing import Any

from django.db import models

UNSET = 1e300  # TWS spells "not set" as 1.797e308; such a number is a fault, never a value


def number(comment: str) -> models.FloatField[Any, Any]:
    """A double that may be unknown."""
    return models.FloatField(null=True, db_comment=comment)


def known(comment: str) -> models.FloatField[Any, Any]:
    """A double that is always known."""
    return models.FloatField(db_comment=comment)


def ns(comment: str) -> models.BigIntegerField[Any, Any]:
    """A time."""
    return models.BigIntegerField(db_comment=f"UTC ns: {comment}")


def big(comment: str) -> models.BigIntegerField[Any, Any]:
    """A large count."""
    return models.BigIntegerField(db_comment=comment)


def whole(comment: str) -> models.IntegerField[Any, Any]:
    """A count, an id, or bits."""
    return models.IntegerField(db_comment=comment)


def small(comment: str) -> models.SmallIntegerField[Any, Any]:
    """A small code."""
    return models.SmallIntegerField(db_comment=comment)


def text(comment: str) -> models.TextField[Any, Any]:
    """A text; empty where there is none."""
    return models.TextField(db_comment=comment)


def flag(comment: str) -> models.BooleanField[Any, Any]:
    """Yes or no."""
    return models.BooleanField(db_comment=comment)


def body(comment: str) -> models.JSONField[Any, Any]:
    """Whatever the message held."""
    return models.JSONField(db_comment=comment)


def con_id() -> models.IntegerField[Any, Any]:
    """IB's contract id."""
    return whole("IB's contract id")


def finite(table: str, *columns: str) -> list[models.CheckConstraint]:
    """Refuse unset numbers, infinities and nan in `columns` (NULL passes): a fault must not become a value."""
    return [
        models.CheckConstraint(
            condition=models.Q(**{f"{column}__gt": -UNSET, f"{column}__lt": UNSET}),
            name=f"{table}_{column}_set",
        )
        for column in columns
    ]


class Positioned(models.Model):
    """A row of a journaled record."""

    pk = models.CompositePrimaryKey("stream", "epoch", "seq")
    epoch = big("epoch of the journal, unsigned 64 bits as a signed number")
    seq = big("seq of the record in its stream and epoch")
    stream = small("1 supervisor, 2 ingest, 3 orders, 5 margin record")

    class Meta:
        abstract = True


class Recorded(Positioned):
    """A row of a map message."""

    publish_ns = ns("when it was published")

    class Meta:
        abstract = True
