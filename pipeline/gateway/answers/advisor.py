"""Answers about an advisor's groups, aliases and family; every other login is refused, as TWS does."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.gateway.answers.area import Answer, Area, PlainAnswer
from pipeline.gateway.asks.advisor import AdvisorData, ReplaceAdvisorData
from pipeline.gateway.asks.request import BadRequest, Request
from pipeline.gateway.broker.advisor import ALIASES, GROUPS, PROFILES, Advisor, BadAccounts, BadXml
from pipeline.gateway.session import Session
from pipeline.gateway.tells import advisor as tell

NO_ID = 2147483647  # what TWS puts where the request had no id
PROFILES_GONE_FROM = 177
REQUESTING = "Error validating request.-'b9' : cause - "
REPLACING = "Error validating request.-'b1' : cause - "


class AdvisorArea(Area):
    """The configuration of an advisor, told and replaced."""

    def answers(self) -> Mapping[type[Request], Answer]:
        return {AdvisorData: self._data, ReplaceAdvisorData: self._replace}

    def plain(self) -> Mapping[str, PlainAnswer]:
        return {"familyCodes": self._family_codes}

    def _structure(self, session: Session, req_id: int, kind: int, refusal: str) -> Advisor:
        """The advisor, if there is one and it has data of this kind."""
        found = self.house.brokerage.bank.advisor
        if found is None:
            raise BadRequest(req_id, 321, refusal + "FA data operations ignored for non FA customers.")
        if kind not in (GROUPS, PROFILES, ALIASES) or (kind == PROFILES and session.sv >= PROFILES_GONE_FROM):
            raise BadRequest(req_id, 321, refusal + "Non-existent FA data operation request.")
        return found

    def _data(self, session: Session, asked: AdvisorData) -> None:
        structure = self._structure(session, NO_ID, asked.kind, REQUESTING)
        session.send(tell.advisor_data(asked.kind, structure.xml(asked.kind)))

    def _replace(self, session: Session, asked: ReplaceAdvisorData) -> None:
        structure = self._structure(session, asked.req_id, asked.kind, REPLACING)
        if not asked.xml.strip():
            raise BadRequest(asked.req_id, 321, REPLACING + "An XML string is required for this operation.")
        try:
            structure.replace(asked.kind, asked.xml)
        except BadAccounts as error:
            text = f"The following Groups and/or Profiles contain invalid accounts: {error}"
            raise BadRequest(asked.req_id, 10231, text) from None
        except BadXml as error:
            raise BadRequest(asked.req_id, 321, f"{REPLACING}Invalid XML: {error}") from None
        session.send(tell.replaced(asked.req_id, "success"))

    def _family_codes(self, session: Session, _req_id: int) -> None:
        bank = self.house.brokerage.bank
        family = bank.advisor.everybody if bank.advisor is not None else ""
        session.send(tell.family_codes((name, family) for name in bank.accounts))
