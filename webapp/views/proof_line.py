"""The dashboard's line about the last proof that both sides hold the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from webapp.store import proofs


@dataclass(frozen=True)
class ProofLine:
    """When it was made, and what it says."""

    at: datetime
    agree: bool
    text: str


def proof_line(hub_id: int) -> ProofLine | None:
    """The newest proof of an account; None before the first, and for one that had nothing to compare yet."""
    proof = proofs.last(hub_id)
    if proof is None or proof.finished_at is None or not proof.report.get("streams"):
        return None
    parts = [_outcome(proof.report)]
    sums = proof.report.get("totals", {}).get("invoices")
    if sums:
        parts.append(_sums(sums))
    return ProofLine(proof.finished_at, bool(proof.report.get("agree")), " · ".join(parts))


def _outcome(report: Mapping[str, Any]) -> str:
    if report.get("agree"):
        return "both sides agree"
    number = sum(report.get("left", {}).values())
    if number == 1:
        return "1 difference is left and is tried again by itself"
    return f"{number:,} differences are left and are tried again by themselves"


def _sums(sums: Mapping[str, str]) -> str:
    cliniko, hubspot = Decimal(sums["cliniko"]), Decimal(sums["hubspot"])
    if cliniko == hubspot:
        return f"invoices {cliniko:,.2f} = {hubspot:,.2f}"
    text = f"invoices {cliniko:,.2f} in Cliniko, {hubspot:,.2f} in HubSpot"
    return f"{text} with amounts that people changed there" if Decimal(sums["edited"]) == hubspot - cliniko else text
