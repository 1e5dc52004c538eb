"""docs/messages.md is the contract; it and the code must say the same."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import msgspec
import pytest

from pipeline import messages

DOC = (Path(__file__).parents[3] / "docs" / "messages.md").read_text(encoding="utf-8")
RECORDS = ["TICK", "OPTION", "TBT_LAST", "TBT_QUOTE", "TBT_MID", "DEPTH", "BAR", "MARGIN_ACCOUNT", "MARGIN_GROUP"]
STRUCTS = [
    *messages.MESSAGE_TYPES,
    *typing.get_args(messages.AnyCommand),
    messages.ProcessStatus,
    messages.OrderSpec,
    messages.MarginNode,
    messages.Reply,
    messages.Beat,
]


def documented(heading: str) -> list[str]:
    """Field names of the table under the heading that begins with these words."""
    match = re.search(rf"^### {re.escape(heading)}(?: ·[^\n]*)?\n(.*?)(?=^##|\Z)", DOC, flags=re.M | re.S)
    assert match is not None, f"docs/messages.md has no section {heading}"
    return re.findall(r"^\| `([^`]+)` \|", match.group(1), flags=re.M)


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_struct_is_documented(kind: type[msgspec.Struct]) -> None:
    assert documented(kind.__name__) == [field.encode_name for field in msgspec.structs.fields(kind)]


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_documented(name: str) -> None:
    assert documented(name) == list(getattr(messages, name).names)


def test_nothing_is_documented_that_does_not_exist() -> None:
    known = {kind.__name__ for kind in STRUCTS} | set(RECORDS)
    assert set(re.findall(r"^### (\w+)", DOC, flags=re.M)) == known


def test_topics_and_tags_stand_in_the_headings() -> None:
    for kind in messages.MESSAGE_TYPES:
        assert f"### {kind.__name__} · `{kind.topic}` · kind `{kind.__struct_config__.tag}`" in DOC
