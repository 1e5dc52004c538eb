"""The randomness of the market: what moves, how much, together with what, and where it jumps. Seeded by step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.gateway.market import listing
from pipeline.gateway.market.sessions import FUTURE, PAIR, STOCK

Array = npt.NDArray[np.float64]
BLOCK = 1024  # steps whose random numbers are made at once
GAP = 0.006  # size of the gap between yesterday's close and the first open
JUMPS_A_YEAR, JUMP_SIZE = 12.0, 0.10  # of each stock; size as a share of its yearly volatility
CALM = 1.0 / (1.0 + JUMPS_A_YEAR * JUMP_SIZE**2)  # share of the variance that jumps leave to the steady moves

Row = tuple[str, float, float, float, str]  # name, first price, yearly vol, correlation with the market, kind


def rows() -> list[Row]:
    """Every process, stocks first."""
    found: list[Row] = [(x.symbol, x.price, x.vol, x.correlation, STOCK) for x in listing.STOCKS]
    found.append(("SPX", listing.SPX_PRICE, listing.SPX_VOL, 1.0, STOCK))
    found.append(("NDX", listing.NDX_PRICE, listing.NDX_VOL, listing.NDX_CORRELATION, STOCK))
    found.append(("TLT", listing.TLT.price, listing.TLT.vol, listing.TLT.correlation, STOCK))
    found += [(x.name, x.price, x.vol, x.correlation, FUTURE) for x in listing.DRIVERS]
    return found + [(f"{x.symbol}.{x.currency}", x.price, x.vol, x.correlation, PAIR) for x in listing.PAIRS]


class Moves:
    """Standard normal moves of every process at every step, correlated through one common factor, and the jumps."""

    def __init__(self, seed: int, correlation: Array, jumping: int) -> None:
        self.seed, self.correlation, self.jumping = seed, correlation, jumping
        self._own = np.sqrt(1.0 - correlation**2)
        self._block_no = -1
        self._block = np.empty((0, correlation.size))
        self._dice = np.empty((0, jumping))
        self._rare: dict[int, list[int]] = {}

    def at(self, step: int) -> Array:
        """The moves from `step` to the next, one for each process."""
        block, row = divmod(step, BLOCK)
        if block != self._block_no:
            self._draw(block)
        found: Array = self._block[row]
        return found

    def jumps(self, step: int, chance: float) -> list[tuple[int, float]]:
        """Processes that jump at `step`, each with `chance`, and the size in standard deviations; after `at(step)`."""
        row = step % BLOCK
        if chance > 1e-4:
            who = np.nonzero(self._dice[row] < chance)[0].tolist()
        else:
            who = [n for n in self._rare.get(row, ()) if self._dice[row, n] < chance]
        return [(n, float(self._sizes[row, n])) for n in who]

    def _draw(self, block: int) -> None:
        count = self.correlation.size
        numbers = np.random.default_rng([self.seed, block]).standard_normal((BLOCK, count + 1))
        self._block = numbers[:, :1] * self.correlation + numbers[:, 1:] * self._own
        chance = np.random.default_rng([self.seed, block, 1])
        self._dice = chance.random((BLOCK, self.jumping))
        self._sizes = chance.standard_normal((BLOCK, self.jumping))
        self._rare = {}
        for row, n in np.argwhere(self._dice < 1e-4).tolist():
            self._rare.setdefault(row, []).append(n)
        self._block_no = block
