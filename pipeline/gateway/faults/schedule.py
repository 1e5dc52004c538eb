"""When each fault begins and ends. Pure: times and messages come in, what is due comes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.gateway.faults.scenario import ANY_MESSAGE, Fault


@dataclass(slots=True, eq=False)
class Active:
    """A lasting fault that goes on."""

    fault: Fault
    until_s: float


@dataclass(slots=True, eq=False)
class _Waiting:
    fault: Fault
    at_s: float
    left: int  # times that it is still to happen; 0: without an end


@dataclass(slots=True, eq=False)
class _Trigger:
    fault: Fault
    left: int  # messages that are still to come
    times: int


class Schedule:
    """All faults that are to come and those that go on; seconds count from the gateway's start."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.active: list[Active] = []
        self._waiting: list[_Waiting] = []
        self._triggers: list[_Trigger] = []
        for fault in faults:
            self.add(fault, 0.0)

    def add(self, fault: Fault, now_s: float) -> None:
        """Plan a fault; its `at_s` counts from `now_s`."""
        if fault.after_message is not None:
            self._triggers.append(_Trigger(fault, max(fault.after_count, 1), fault.times))
        else:
            self._waiting.append(_Waiting(fault, now_s + fault.at_s, fault.times))

    def heard(self, client: int, message: int, now_s: float) -> bool:
        """A client sent a message; whether that brought a fault about."""
        hit = False
        for trigger in list(self._triggers):
            fault = trigger.fault
            if fault.client not in (None, client) or fault.after_message not in (ANY_MESSAGE, message):
                continue
            trigger.left -= 1
            if trigger.left:
                continue
            hit = True
            self._waiting.append(_Waiting(fault, now_s + fault.at_s, 1))
            trigger.left, trigger.times = max(fault.after_count, 1), trigger.times - 1
            if trigger.times == 0:
                self._triggers.remove(trigger)
        return hit

    def due(self, now_s: float) -> list[Fault]:
        """What begins now, in order of time; lasting ones are active from here on."""
        ready = sorted((one for one in self._waiting if one.at_s <= now_s), key=lambda one: one.at_s)
        for one in ready:
            if one.left == 1 or one.fault.every_s <= 0:
                self._waiting.remove(one)
            else:
                one.at_s, one.left = one.at_s + one.fault.every_s, max(one.left - 1, 0)
            if one.fault.lasting:
                until = now_s + one.fault.for_s if one.fault.for_s > 0 else float("inf")
                self.active.append(Active(one.fault, until))
        return [one.fault for one in ready]

    def over(self, now_s: float) -> list[Active]:
        """Lasting faults whose time is up; they are no longer active."""
        ended = [one for one in self.active if one.until_s <= now_s]
        self.active = [one for one in self.active if one.until_s > now_s]
        return ended

    def lift(self, do: str = "", client: int | None = None) -> list[Active]:
        """End lasting faults at once: of one kind, of one client, or all; they come back."""
        lifted = [
            one for one in self.active if do in ("", one.fault.do) and (client is None or one.fault.client == client)
        ]
        self.active = [one for one in self.active if one not in lifted]
        return lifted

    def forget(self) -> None:
        """Nothing more is to come; what goes on goes on."""
        self._waiting, self._triggers = [], []
