"""How the template writes one live cell; the script finds it again by its key."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ui.web.picture import Picture, classes

register = template.Library()


@register.simple_tag
def cell(picture: Picture, key: str, base: str = "") -> SafeString:
    """A span with the text and look of `key`; `base` are classes that stay."""
    text, look = picture.cells.get(key, ("", ""))
    return format_html(
        '<span class="{} {}" data-base="{}" data-cell="{}">{}</span>', base, classes(look), base, key, text
    )


@register.filter
def look_classes(look: str) -> str:
    """Classes of a table's cell."""
    return classes(look)


@register.filter
def mark(picture: Picture, key: str) -> str:
    """A drawn place, in percent."""
    return picture.marks[key]


@register.filter
def source_look(picture: Picture, name: str) -> str:
    """live · stale · waiting"""
    return picture.sources.get(name, "waiting")
