"""The chain of the audit table: what its triggers do, and how anybody can check it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

GENESIS = bytes(32)

# The hash covers the row before, the position, and what was said, as PostgreSQL spells it.
TRIGGERS = (
    """
CREATE FUNCTION audit_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('margindesk.audit'));
    SELECT a.chain, a.hash INTO NEW.chain, NEW.prev FROM public.audit a ORDER BY a.chain DESC LIMIT 1;
    NEW.chain := coalesce(NEW.chain, 0) + 1;
    NEW.prev := coalesce(NEW.prev, decode(repeat('00', 32), 'hex'));
    NEW.hash := sha256(NEW.prev || convert_to(concat_ws(chr(10), NEW.chain, NEW.stream, NEW.epoch, NEW.seq,
        NEW.publish_ns, NEW.actor, NEW.action, NEW.body::text), 'UTF8'));
    RETURN NEW;
END $$
""",
    """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
""",
    "CREATE TRIGGER audit_link BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_link()",
    "CREATE TRIGGER audit_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)
SELECT = "SELECT chain, stream, epoch, seq, publish_ns, actor, action, body::text, prev, hash FROM audit ORDER BY chain"


@dataclass(frozen=True, slots=True)
class Check:
    """How many rows stand in the chain, its head, and what is wrong with it (empty: nothing)."""

    rows: int
    head: bytes
    fault: str = ""


def create(_apps: Any, schema_editor: Any) -> None:
    """Make the triggers."""
    for statement in TRIGGERS:
        schema_editor.execute(statement, params=None)


def verify(rows: Iterable[tuple[Any, ...]]) -> Check:
    """Recompute the chain over the rows of `SELECT`. A cut end can't show here: compare the head with one kept
    elsewhere."""
    head, count = GENESIS, 0
    for row in rows:
        *said, prev, found = row
        count += 1
        if said[0] != count:
            return Check(count - 1, head, f"expected row {count} of the chain, found {said[0]}")
        if bytes(prev) != head:
            return Check(count - 1, head, f"row {count}: prev is not the hash of the row before")
        text = "\n".join(str(part) for part in said)
        expected = hashlib.sha256(head + text.encode()).digest()
        if bytes(found) != expected:
            return Check(count - 1, head, f"row {count}: its hash does not cover what it says")
        head = expected
    return Check(count, head)
