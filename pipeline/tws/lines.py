"""What the request ids of this connection's subscriptions stand for, as arrays that compiled code can index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import TickFlag


class Lines:
    """Arrays by request id. `seen_ns`: when its last record was received, 0 where none came."""

    def __init__(self, capacity: int = 4096) -> None:
        self.con_ids: NDArray[np.int32] = np.zeros(capacity, dtype=np.int32)
        self.slots: NDArray[np.int32] = np.full(capacity, -1, dtype=np.int32)
        self.flags: NDArray[np.uint16] = np.zeros(capacity, dtype=np.uint16)
        self.what: NDArray[np.int16] = np.zeros(capacity, dtype=np.int16)
        self.seen_ns: NDArray[np.int64] = np.zeros(capacity, dtype=np.int64)

    def add(self, request: int, con_id: int, slot: int = -1, what: int = 0) -> None:
        """`request` delivers `con_id`; `slot` is its row in a table of latest values (−1: none), `what` the kind of
        its bars (an index of BAR_KINDS)."""
        while request >= self.con_ids.size:
            self.con_ids = np.concatenate([self.con_ids, np.zeros_like(self.con_ids)])
            self.slots = np.concatenate([self.slots, np.full_like(self.slots, -1)])
            self.flags = np.concatenate([self.flags, np.zeros_like(self.flags)])
            self.what = np.concatenate([self.what, np.zeros_like(self.what)])
            self.seen_ns = np.concatenate([self.seen_ns, np.zeros_like(self.seen_ns)])
        self.con_ids[request], self.slots[request], self.flags[request] = con_id, slot, 0
        self.what[request], self.seen_ns[request] = what, 0

    def con_id(self, request: int) -> int:
        """Its contract; 0 where it is no line of ours."""
        return int(self.con_ids[request]) if 0 <= request < self.con_ids.size else 0

    def market_data_type(self, request: int, kind: int) -> None:
        """TWS's marketDataType (1 live, 2 frozen, 3 delayed, 4 delayed and frozen) marks what follows."""
        if self.con_id(request):
            frozen = TickFlag.FROZEN if kind in (2, 4) else 0
            self.flags[request] = frozen | (TickFlag.DELAYED if kind in (3, 4) else 0)

    def clear(self) -> None:
        """Forget all: request ids mean nothing on the next connection."""
        self.con_ids[:], self.slots[:], self.flags[:] = 0, -1, 0
        self.what[:], self.seen_ns[:] = 0, 0
