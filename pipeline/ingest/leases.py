"""Who wants a subscription, and until when. Pure: times are handed in."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

LONGEST_S = 3600.0
Key = TypeVar("Key", bound=Hashable)


class Leases(Generic[Key]):
    """A key is wanted while one holder's lease lasts; the same holder renews by holding again."""

    def __init__(self) -> None:
        self._until_s: dict[Key, dict[str, float]] = {}

    def hold(self, key: Key, holder: str, now_s: float, lease_s: float) -> bool:
        """True when nobody held it before. A lease lasts at least a second and at most an hour."""
        fresh = key not in self._until_s
        self._until_s.setdefault(key, {})[holder] = now_s + min(LONGEST_S, max(1.0, lease_s))
        return fresh

    def drop(self, key: Key, holder: str) -> bool:
        """The holder wants it no more; True when nobody does now."""
        holders = self._until_s.get(key, {})
        holders.pop(holder, None)
        if holders or key not in self._until_s:
            return False
        del self._until_s[key]
        return True

    def expire(self, now_s: float) -> list[Key]:
        """The keys whose last lease is over, forgotten now."""
        gone = []
        for key, holders in list(self._until_s.items()):
            for holder in [holder for holder, until_s in holders.items() if until_s <= now_s]:
                del holders[holder]
            if not holders:
                del self._until_s[key]
                gone.append(key)
        return gone

    def left_s(self, key: Key, now_s: float) -> float:
        """Seconds until the longest lease ends; 0 for a key that nobody holds."""
        return max((until_s - now_s for until_s in self._until_s.get(key, {}).values()), default=0.0)

    def __contains__(self, key: Key) -> bool:
        return key in self._until_s

    def wanted(self) -> list[Key]:
        """Everything that somebody wants, in order of arrival."""
        return list(self._until_s)
