"""One root, few children. A docstring is the text when none is given."""

from __future__ import annotations


class MargindeskError(Exception):
    """Margindesk could not go on."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__(text if text is not None else (type(self).__doc__ or "").strip())


class WireError(MargindeskError):
    """Bytes from another process or from TWS that are not what was agreed."""


class ConfigError(MargindeskError):
    """The configuration has faults; `faults` names each with its place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class CannotStart(MargindeskError):
    """This process can't start, and trying again would not help (exit code 3)."""


class JournalError(MargindeskError):
    """The journal can't be written or read any further."""


class JournalFull(MargindeskError):
    """The journal has no room for this frame; recording goes on by itself when there is room again."""
