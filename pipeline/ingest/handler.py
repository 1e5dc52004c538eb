"""What TWS calls: each callback goes to the part that knows what to do with it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from ibapi.contract import Contract, ContractDetails
from numpy.typing import NDArray

from pipeline import messages
from pipeline.tws.callbacks import Callbacks
from pipeline.tws.error_codes import Action, TwsError

if TYPE_CHECKING:
    from pipeline.ingest.service import Ingest


class IngestHandler(Callbacks):
    """The ears of ingest; hot records go straight to the stream."""

    def __init__(self, ingest: Ingest) -> None:
        super().__init__()
        self._ingest = ingest

    def ticks(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        self._ingest.stream.records(b"md.tick", records)
        self._ingest.latest.ticks(records, slots)

    def options(self, records: NDArray[np.void], slots: NDArray[np.int32]) -> None:
        self._ingest.stream.records(b"md.option", records)
        self._ingest.latest.options(records, slots)

    def text_tick(self, con_id: int, tick_type: int, text: str) -> None:
        now_ns = self._ingest.clock.now_ns()
        self._ingest.publish(messages.MarketText(con_id=con_id, tick_type=tick_type, text=text, recv_ns=now_ns))

    def tws_ready(self) -> None:
        self._ingest.on_ready()

    def tws_lost(self, reason: str) -> None:
        self._ingest.on_lost(reason)

    def tws_data_lost(self) -> None:
        self._ingest.market.data_lost()

    def tws_data_kept(self) -> None:
        self._ingest.market.check_flow()

    def tws_error(self, error: TwsError) -> None:
        ingest = self._ingest
        if ingest.market.error(error) or ingest.contracts.error(error.request, f"{error.text} ({error.code})"):
            return
        if ingest.commands.error(error.request, f"{error.text} ({error.code})"):
            return
        if error.meaning.action is Action.CHECK_FLOW and error.code != 1102:
            ingest.market.check_flow()

    def tws_changed(self) -> None:
        self._ingest.publish_state()

    def marketDataType(self, reqId: int, marketDataType: int) -> None:
        self._ingest.market.data_type(reqId, marketDataType)

    def contractDetails(self, reqId: int, contractDetails: ContractDetails) -> None:
        self._ingest.contracts.details(reqId, contractDetails)

    def contractDetailsEnd(self, reqId: int) -> None:
        self._ingest.contracts.details_end(reqId)
        self._ingest.wants_changed = True

    def symbolSamples(self, reqId: int, contractDescriptions: list[object]) -> None:
        self._ingest.commands.samples(reqId, contractDescriptions)

    def accountUpdateMulti(self, reqId: int, account: str, modelCode: str, key: str, value: str, currency: str) -> None:
        if not modelCode:
            self._ingest.accounts.value(reqId, account, key, value, currency)

    def accountUpdateMultiEnd(self, reqId: int) -> None:
        self._ingest.accounts.values_end(reqId)

    def position(self, account: str, contract: Contract, position: Decimal, avgCost: float) -> None:
        self._ingest.accounts.position(account, contract, position, avgCost)
        self._ingest.wants_changed = True

    def positionEnd(self) -> None:
        self._ingest.accounts.positions_end()

    def updatePortfolio(
        self,
        contract: Contract,
        position: Decimal,
        marketPrice: float,
        marketValue: float,
        averageCost: float,
        unrealizedPNL: float,
        realizedPNL: float,
        accountName: str,
    ) -> None:
        marks = (marketPrice, marketValue, averageCost, unrealizedPNL, realizedPNL)
        self._ingest.accounts.marks(accountName, contract, position, marks)

    def accountDownloadEnd(self, accountName: str) -> None:
        self._ingest.accounts.marks_end(accountName)

    def pnl(self, reqId: int, dailyPnL: float, unrealizedPnL: float, realizedPnL: float) -> None:
        self._ingest.accounts.pnl(reqId, dailyPnL, unrealizedPnL, realizedPnL)
