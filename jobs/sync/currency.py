"""The currency of deals, and the account that does not have it: one issue then, and deals without a currency.

An account only takes currencies that its own people set up. That is no fault of any single deal.
"""

from jobs.sync import causes
from jobs.sync.context import SyncContext
from webapp.clock import now
from webapp.store import issues, streams

PROPERTY = "deal_currency_code"
KIND = "deal_currency"
STREAMS = ("appointments", "invoices")
_ASKED, _REFUSED, _TRYING = "asked", "refused", "trying"


def usable(ctx: SyncContext) -> str | None:
    """The account's choice, else its own currency; None while HubSpot refuses it. When its time has come it is tried
    once more."""
    code = ctx.settings.deal_currency or ctx.currency
    if code is None:
        return None
    if "currency" not in ctx.memo:
        issue = issues.find_open(ctx.connection_id, KIND, code)
        waits = issue is not None and issue.retry_at is not None and issue.retry_at > now()
        ctx.memo["currency"] = _REFUSED if waits else _TRYING if issue is not None else _ASKED
    return None if ctx.memo["currency"] == _REFUSED else code


def refused(ctx: SyncContext, code: str, detail: str) -> None:
    """HubSpot does not know this currency: one issue, whatever the number of deals. Commits."""
    if ctx.memo.get("currency") == _REFUSED:
        return
    ctx.memo["currency"] = _REFUSED
    ctx.keeper.guard()
    issues.open_issue(
        ctx.hub_id,
        ctx.connection_id,
        ctx.stream,
        KIND,
        code,
        causes.CURRENCY_REFUSED,
        field=PROPERTY,
        detail=detail,
    )
    ctx.count("issues")
    ctx.commit()


def taken(ctx: SyncContext, code: str) -> None:
    """HubSpot took a deal with this currency. If it had refused it before, every deal gets it now. Commits."""
    if ctx.memo.get("currency") != _TRYING:
        return
    ctx.memo["currency"] = _ASKED
    ctx.keeper.guard()
    issues.resolve(ctx.connection_id, KIND, [code])
    ctx.commit()
    streams.ask_reread(ctx.hub_id, STREAMS)
