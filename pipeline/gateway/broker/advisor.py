"""An advisor's structure: a master, its clients, groups, aliases, models, and their XML. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from pipeline.gateway.broker.books import Opening

MASTER = "DF1234500"
GROUPS, PROFILES, ALIASES = 1, 2, 3
METHODS = ("AvailableEquity", "Equal", "NetLiq", "MonetaryAmount", "Percent", "Ratio", "ContractsOrShares")
MOST_XML, MOST_GROUPS, LONGEST_NAME = 100_000, 200, 60
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
OPENING = Opening(MASTER, 25_000.0, 0.0, 0.0, ())  # the master's own account holds cash alone


class BadXml(ValueError):
    """The text is no configuration of an advisor."""


class BadAccounts(BadXml):
    """Groups or aliases name accounts that are not the advisor's."""


@dataclass
class Group:
    """Accounts that an order is split over; an amount is "" where the method needs none."""

    method: str
    amounts: dict[str, str]


@dataclass
class Advisor:
    """The structure; `models` names the kind of contract that a model holds in each client's account."""

    clients: list[str]
    master: str = MASTER
    groups: dict[str, Group] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    models: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"Core": ("STK", "BOND"), "Income": ("OPT",)})

    @property
    def everybody(self) -> str:
        """The name under which all accounts are reported together."""
        return self.master + "A"

    def dump(self) -> dict[str, Any]:
        """As JSON takes it; models are fixed."""
        found = asdict(self)
        del found["models"]
        return found

    @staticmethod
    def restored(state: dict[str, Any]) -> Advisor:
        groups = {name: Group(**row) for name, row in state["groups"].items()}
        return Advisor(state["clients"], state["master"], groups, state["aliases"])

    def xml(self, kind: int) -> str:
        """The configuration as requestFA tells it."""
        if kind == GROUPS:
            return HEAD + _element("ListOfGroups", [self._group(name) for name in self.groups])
        if kind == ALIASES:
            rows = [_element("AccountAlias", [_leaf("account", a), _leaf("alias", b)]) for a, b in self.aliases.items()]
            return HEAD + _element("ListOfAccountAliases", rows)
        return HEAD + "<ListOfAllocationProfiles>\n</ListOfAllocationProfiles>"

    def _group(self, name: str) -> str:
        group = self.groups[name]
        accounts = [
            _element("Account", [_leaf("acct", a), *([_leaf("amount", text)] if text else [])])
            for a, text in group.amounts.items()
        ]
        listed = "\n".join(['<ListOfAccts varName="list">', *accounts, "</ListOfAccts>"])
        return _element("Group", [_leaf("name", name), _leaf("defaultMethod", group.method), listed])

    def replace(self, kind: int, text: str) -> None:
        """Take a whole new configuration; BadXml when it is none, and then nothing changes."""
        root = _parsed(text)
        if kind == GROUPS and root.tag == "ListOfGroups":
            self.groups = self._groups(root)
        elif kind == ALIASES and root.tag == "ListOfAccountAliases":
            self.aliases = self._aliases(root)
        elif not (kind == PROFILES and root.tag == "ListOfAllocationProfiles" and not len(root)):
            raise BadXml(f"expected the configuration of type {kind}, found {root.tag[:40]}")

    def _groups(self, root: ET.Element) -> dict[str, Group]:
        found: dict[str, Group] = {}
        for node in root.findall("Group"):
            name, method = _text(node, "name"), _text(node, "defaultMethod")
            if method not in METHODS:
                raise BadXml(f"expected one of {', '.join(METHODS)}, found {method[:40]!r}")
            amounts = {_text(row, "acct"): (row.findtext("amount") or "").strip() for row in node.iter("Account")}
            amounts |= {(row.text or "").strip(): "" for row in node.iter("String")}  # as older versions wrote it
            found[name] = Group(method, amounts)
        if len(found) > MOST_GROUPS:
            raise BadXml(f"expected up to {MOST_GROUPS} groups, found {len(found)}")
        self._check({name: group.amounts for name, group in found.items()})
        return found

    def _aliases(self, root: ET.Element) -> dict[str, str]:
        found = {_text(row, "account"): _text(row, "alias") for row in root.findall("AccountAlias")}
        self._check({account: {account: ""} for account in found})
        return found

    def _check(self, places: dict[str, dict[str, str]]) -> None:
        known = {self.master, *self.clients}
        wrong = [name for name, accounts in places.items() if not known.issuperset(accounts)]
        if wrong:
            raise BadAccounts(",".join(name[:LONGEST_NAME] for name in wrong))


def fresh(openings: Sequence[Opening]) -> Advisor:
    """The structure over the accounts of `openings`: two groups, an alias for each."""
    clients = [row.account for row in openings]
    aliases = {name: f"Client {n}" for n, name in enumerate(clients, 1)}
    groups = {
        "AllClients": Group("NetLiq", dict.fromkeys(clients, "")),
        "FirstHalf": Group("ContractsOrShares", dict.fromkeys(clients[: (len(clients) + 1) // 2], "100.0")),
    }
    return Advisor(clients, groups=groups, aliases={MASTER: "Advisor"} | aliases)


def _parsed(text: str) -> ET.Element:
    if len(text) > MOST_XML or "<!" in text:  # neither document types nor entities
        raise BadXml("expected a short XML document without declarations")
    try:
        return ET.fromstring(text.strip())  # noqa: S314 (nothing that is declared gets here)
    except (ET.ParseError, ValueError) as error:
        raise BadXml(str(error)) from None


def _text(node: ET.Element, name: str) -> str:
    found = (node.findtext(name) or "").strip()
    if not found or len(found) > LONGEST_NAME:
        raise BadXml(f"expected a text of up to {LONGEST_NAME} characters in {name}")
    return found


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _element(name: str, parts: Sequence[str]) -> str:
    return "\n".join([f"<{name}>", *parts, f"</{name}>"])
