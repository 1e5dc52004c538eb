"""Is this the TWS that the configuration means? Its accounts decide, not its port."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import Tws


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fatal`: trying again can't help (a live TWS where paper is configured, or the reverse)."""

    accounts: list[str]  # those that may be used
    reason: str = ""  # empty: accepted
    fatal: bool = False


def is_paper(account: str) -> bool:
    """IBKR's paper accounts begin with D (DU…, DF… for advisors); live ones with U, F, I."""
    return account.startswith("D")


def check(managed: list[str], settings: Tws) -> Verdict:
    """Compare what TWS manages with the mode and the list of allowed accounts."""
    paper = settings.mode == "paper"
    wrong = [account for account in managed if is_paper(account) != paper]
    if wrong:
        found = "live" if paper else "paper"
        return Verdict(
            [],
            f"the configuration says {settings.mode}, but TWS is logged in to {found} accounts ({', '.join(wrong)}); "
            f"log in to the other mode, or change [tws] mode and port",
            fatal=True,
        )
    if not settings.accounts:
        return Verdict(managed)
    missing = [account for account in settings.accounts if account not in managed]
    if missing:
        return Verdict([], f"[tws] accounts names {', '.join(missing)}, but TWS manages {', '.join(managed)}")
    unknown = [account for account in managed if account not in settings.accounts]
    if unknown:
        return Verdict([], f"TWS manages {', '.join(unknown)} too; add what may be used to [tws] accounts")
    return Verdict(list(settings.accounts))
