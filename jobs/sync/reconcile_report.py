"""What a reconcile counts: both sides by stream and stage, invoice totals to the cent, what was found, fixed and left.

The numbers live in the proof's row and move in the transaction of the cursor that they belong to, so that a stop counts
nothing twice and nothing less.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

# Kinds of difference: what polling or a write has missed.
UNKNOWN = "unknown"  # in Cliniko, and nowhere in the ledger
CHANGED = "changed"  # Cliniko says something else than what was last taken over
STATUS = "status"  # archived, cancelled, arrived, merged, or no longer so
UNFINISHED = "unfinished"  # taken up once and not brought to its end
NOT_LINKED = "not_linked"  # in scope, and without a deal
GONE = "gone"  # known, and not in Cliniko any more
LOST_VALUES = "lost_values"  # values that we wrote are not in HubSpot, and nobody else changed them
LOST_RECORD = "lost_record"  # a contact or deal that HubSpot said it made is not there and never was
DELETED = "deleted"  # somebody deleted it in HubSpot
MERGED = "merged_in_hubspot"  # HubSpot merged it into another record
RESTORED = "restored"  # somebody took it back from HubSpot's recycle bin
STAGE = "stage"  # a deal that does not stand where we put it
ASSOCIATION = "association"  # a deal that is not with its patient's contact
KEY = "key_without_link"  # HubSpot has a record with our key of which the ledger knows nothing
DOUBLED = "doubled"  # a key that another record carries than the linked one
INCOMPLETE = "list_incomplete"  # a list that came without most of what it held: nothing was concluded from it
NUMBERS = "numbers"  # the sums differ although no record does

# Differences that are as they should be.
EDITED = "edited_in_hubspot"
MOVED = "moved_in_hubspot"
KEPT_DELETED = "deleted_in_hubspot"
NOT_IN_CLINIKO = "not_in_cliniko"
WAITING = "waiting"
HELD = "held"
UNLINKED = "unlinked"
LEFT_OUT = "left_out"
MOVING = "changing_now"
UNREADABLE = "unreadable"
STORED = "stored_differently"

# Where a proof stands.
FIND, REMOVE, REPAIR, VERIFY = "find", "remove", "repair", "verify"


class Numbers:
    """What one list has counted in the present walk."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    def sides(self, cliniko: int = 0, hubspot: int = 0) -> None:
        """Records that belong on both sides, and on which they are."""
        self._add("cliniko", cliniko)
        self._add("hubspot", hubspot)

    def stage(self, label: str, *, cliniko: int = 0, hubspot: int = 0, edited: int = 0) -> None:
        """Deals in one stage; `edited` explains a difference by what people did in HubSpot."""
        before = self.raw.setdefault("stages", {}).get(label, (0, 0, 0))
        self.raw["stages"][label] = [before[0] + cliniko, before[1] + hubspot, before[2] + edited]

    def total(
        self, *, cliniko: Decimal = Decimal(0), hubspot: Decimal = Decimal(0), edited: Decimal = Decimal(0)
    ) -> None:
        """Money, exact."""
        before = self.raw.get("total", ("0", "0", "0"))
        sums = (Decimal(text) + more for text, more in zip(before, (cliniko, hubspot, edited), strict=True))
        self.raw["total"] = [str(amount) for amount in sums]

    def differ(self, kind: str, number: int = 1) -> None:
        """A difference that should not be."""
        self._add_to("different", kind, number)

    def keep(self, kind: str, number: int = 1) -> None:
        """A difference that is as it should be."""
        self._add_to("kept", kind, number)

    def store_differently(self, names: Collection[str]) -> None:
        """HubSpot keeps what we write to these properties in a form of its own."""
        for name in names:
            self._add_to("stored", name, 1)

    @property
    def gone(self) -> list[str]:
        """Ids that Cliniko does not have any more, whose deals are to be closed at the end of the walk."""
        found: list[str] = self.raw.setdefault("gone", [])
        return found

    def _add(self, name: str, number: int) -> None:
        if number:
            self.raw[name] = self.raw.get(name, 0) + number

    def _add_to(self, group: str, name: str, number: int) -> None:
        if number:
            inside = self.raw.setdefault(group, {})
            inside[name] = inside.get(name, 0) + number


class Report:
    """A proof that is being made."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw: dict[str, Any] = dict(raw)

    @classmethod
    def begin(
        cls,
        began: datetime,
        streams: Sequence[str],
        *,
        history: bool,
        seen_before: datetime | None,
        stored: Collection[str],
    ) -> "Report":
        """`history`: all of the past is known. `seen_before`: when the last proof began, which saw what there was.
        `stored`: properties that HubSpot is known to keep in a form of its own."""
        return cls(
            {
                "phase": FIND,
                "began": began.isoformat(),
                "streams": list(streams),
                "history": history,
                "seen_before": seen_before.isoformat() if seen_before else None,
                "known_stored": sorted(stored),
                "lists": {},
                "found": {},
                "not_read": [],
                "calls": {"cliniko": 0, "hubspot": 0},
            }
        )

    @property
    def phase(self) -> str:
        return str(self.raw["phase"])

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.raw["began"])

    @property
    def repairs(self) -> bool:
        """Only the first walk repairs; the second tells what is left."""
        return self.phase == FIND

    @property
    def streams(self) -> list[str]:
        return list(self.raw["streams"])

    @property
    def history(self) -> bool:
        return bool(self.raw["history"])

    @property
    def seen_before(self) -> datetime | None:
        text = self.raw["seen_before"]
        return datetime.fromisoformat(text) if text else None

    @property
    def known_stored(self) -> frozenset[str]:
        return frozenset(self.raw["known_stored"])

    def numbers(self, list_name: str, stream: str | None = None) -> Numbers:
        """The numbers of a list; `stream` is whose records it holds."""
        raw = self.raw["lists"].setdefault(list_name, {})
        if stream is not None:
            raw["stream"] = stream
        return Numbers(raw)

    def reset(self, list_name: str) -> None:
        """This list is counted from the beginning."""
        self.raw["lists"].pop(list_name, None)

    def cannot_read(self, list_name: str) -> None:
        """The key may not read this list."""
        if list_name not in self.raw["not_read"]:
            self.raw["not_read"].append(list_name)

    def called(self, counts: Mapping[str, int]) -> None:
        """Calls of one execution."""
        self.raw["calls"]["cliniko"] += counts.get("cliniko_reads", 0)
        self.raw["calls"]["hubspot"] += counts.get("hubspot_calls", 0)

    def end_find(self) -> bool:
        """The first walk has ended: what it found stays. False when it found nothing."""
        self.raw["found"] = self._summed("different")
        if self.raw["found"]:
            self.raw["phase"] = REMOVE
        return bool(self.raw["found"])

    def repair_until(self, moment: datetime) -> None:
        self.raw["phase"], self.raw["repair_until"] = REPAIR, moment.isoformat()

    def may_wait(self, moment: datetime) -> bool:
        """Is there time left to wait for the repairs?"""
        return moment < datetime.fromisoformat(self.raw["repair_until"])

    def begin_verify(self) -> None:
        """Count both sides anew."""
        self.raw["phase"], self.raw["lists"] = VERIFY, {}

    def gone(self) -> Iterator[tuple[str, Numbers]]:
        """Lists with records that are not in Cliniko any more."""
        for name in sorted(self.raw["lists"]):
            numbers = Numbers(self.raw["lists"][name])
            if numbers.raw.get("gone"):
                yield name, numbers

    def result(self) -> dict[str, Any]:
        """The finished proof, as pages and commands show it."""
        found, left = dict(self.raw["found"]), self._summed("different")
        streams, stages, totals = self._streams(), self._stages(), self._totals()
        if not left and not _equal(streams, stages, totals):
            left = {NUMBERS: 1}
        fixed = sum(max(0, number - left.get(kind, 0)) for kind, number in found.items())
        return {
            "agree": not left,
            "streams": streams,
            "stages": stages,
            "totals": totals,
            "found": found,
            "fixed": fixed,
            "left": left,
            "kept": self._summed("kept"),
            "stored_differently": sorted({*self.known_stored, *self._summed("stored")}),
            "not_read": sorted(self.raw["not_read"]),
            "history": self.history,
            "walks": 2 if self.phase == VERIFY else 1,
            "calls": dict(self.raw["calls"]),
        }

    def _summed(self, group: str) -> dict[str, int]:
        sums: dict[str, int] = {}
        for name in sorted(self.raw["lists"]):
            for kind, number in self.raw["lists"][name].get(group, {}).items():
                sums[kind] = sums.get(kind, 0) + number
        return dict(sorted(sums.items()))

    def _of_stream(self, stream: str) -> Iterator[dict[str, Any]]:
        for name in sorted(self.raw["lists"]):
            if self.raw["lists"][name].get("stream") == stream:
                yield self.raw["lists"][name]

    def _streams(self) -> dict[str, dict[str, int]]:
        return {
            stream: {side: sum(raw.get(side, 0) for raw in self._of_stream(stream)) for side in ("cliniko", "hubspot")}
            for stream in self.streams
        }

    def _stages(self) -> dict[str, dict[str, dict[str, int]]]:
        found: dict[str, dict[str, dict[str, int]]] = {}
        for stream in self.streams:
            sums: dict[str, list[int]] = {}
            for raw in self._of_stream(stream):
                for label, numbers in raw.get("stages", {}).items():
                    sums[label] = [a + b for a, b in zip(sums.get(label, (0, 0, 0)), numbers, strict=True)]
            if sums:
                found[stream] = {
                    label: dict(zip(("cliniko", "hubspot", "edited"), numbers, strict=True))
                    for label, numbers in sorted(sums.items())
                }
        return found

    def _totals(self) -> dict[str, dict[str, str]]:
        found = {}
        for stream in self.streams:
            sums = [Decimal(0)] * 3
            known = [raw["total"] for raw in self._of_stream(stream) if "total" in raw]
            for texts in known:
                sums = [a + Decimal(text) for a, text in zip(sums, texts, strict=True)]
            if known:
                cents = [f"{amount:.2f}" for amount in sums]
                found[stream] = dict(zip(("cliniko", "hubspot", "edited"), cents, strict=True))
        return found


def _equal(
    streams: Mapping[str, Mapping[str, int]],
    stages: Mapping[str, Mapping[str, Mapping[str, int]]],
    totals: Mapping[str, Mapping[str, str]],
) -> bool:
    """Are both sides the same, but for what people did in HubSpot?"""
    return (
        all(numbers["cliniko"] == numbers["hubspot"] for numbers in streams.values())
        and all(
            numbers["cliniko"] + numbers["edited"] == numbers["hubspot"]
            for labels in stages.values()
            for numbers in labels.values()
        )
        and all(
            Decimal(sums["cliniko"]) + Decimal(sums["edited"]) == Decimal(sums["hubspot"]) for sums in totals.values()
        )
    )
