"""Filters of a list (`q[]=field:OPvalue`), read and applied without touching rows that cannot match."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from webapp.sandbox.cliniko.errors import bad_filter
from webapp.sandbox.cliniko.resource import ARRAY, DATE, FLAG, MOMENT, NUMBER, STRING, Filters
from webapp.sandbox.cliniko.table import Row, Table

_FILTER = re.compile(r"([a-z_0-9]+):(!\?|!=|>=|<=|~~|[><=~?*])(.*)", re.DOTALL)
_OPERATORS = {
    MOMENT: ("!?", "?", "*", ">=", "<=", ">", "<"),
    DATE: ("!?", "?", "=", ">=", "<=", ">", "<"),
    NUMBER: ("!?", "?", "!=", "=", ">=", "<=", ">", "<"),
    STRING: ("!?", "?", "!=", "=", "~~", "~"),
    FLAG: ("!=", "="),
    ARRAY: ("~",),
}
_VALUES = {
    MOMENT: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    DATE: re.compile(r"[\d*]{4}-[\d*]{2}-[\d*]{2}"),
    NUMBER: re.compile(r"-?\d+(\.\d+)?"),
    FLAG: re.compile("true|false"),
}


_BOUNDS = (">", ">=", "<", "<=")


@dataclass(frozen=True)
class Condition:
    """`among` holds the numbers that pass, where a look-up elsewhere has decided it already."""

    field: str
    op: str
    value: str
    kind: str
    among: frozenset[int] | None = None

    @property
    def numbers(self) -> list[int]:
        return [int(part) for part in self.value.split(",")]

    @property
    def in_one_go(self) -> bool:
        """Whether it compares texts, so that a whole column can be looked at without its rows."""
        return self.op in _BOUNDS if self.kind in (MOMENT, DATE) else self.kind == STRING and self.op == "="

    @property
    def is_id(self) -> bool:
        return self.field == "id" or self.field.endswith("_id")


def parse(texts: Iterable[str], filters: Filters) -> list[Condition]:
    """Raises the 400 for a column that cannot be searched, an operator its type lacks, or a malformed value."""
    found = []
    for text in texts:
        match = _FILTER.fullmatch(text)
        kind = filters.get(match[1] if match else text.partition(":")[0])
        if kind is None:
            raise bad_filter()
        if match is None or match[2] not in _OPERATORS[kind]:
            raise bad_filter("The operator of this filter is not supported for this column.")
        field, op, value = match.groups()
        _check(kind, op, value, whole=field == "id" or field.endswith("_id"))
        if kind == MOMENT:
            value = re.sub(r"\.\d+Z", "Z", value)  # what is stored has whole seconds
        found.append(Condition(field, op, value, kind))
    return found


def _check(kind: str, op: str, value: str, *, whole: bool) -> None:
    pattern = _VALUES.get(kind)
    if op in ("?", "!?", "*"):
        fine = value == ""
    elif pattern is None:
        fine = True
    else:
        parts = value.split(",") if kind == NUMBER and op == "=" else [value]
        fine = all(pattern.fullmatch(part) for part in parts) and not (whole and "." in value)
        fine = fine and not (kind == DATE and op != "=" and "*" in value)
    if not fine:
        raise bad_filter("The value of this filter is not valid.")


def select(table: Table, conditions: Sequence[Condition], hidden: Iterable[str], ignore_case: bool) -> list[int]:
    """Numbers of the matching rows, ascending. Rows with a time in a `hidden` column are left out."""
    numbers, used = _narrowest(table, conditions)
    for condition in conditions:
        if condition not in used:
            numbers = _keep(table, numbers, condition, ignore_case)
    for column in hidden:
        if filled := table.filled(column):
            numbers = [n for n in numbers if n not in filled]
    return numbers


def _narrowest(table: Table, conditions: Sequence[Condition]) -> tuple[list[int], list[Condition]]:
    """The smallest set of numbers that one index gives, ascending, and the conditions it covers."""
    bounds = [condition for condition in conditions if condition.field == "id" and condition.op in _BOUNDS]
    ids = table.ids()
    start, stop = _within(ids, bounds)
    best: tuple[int, Callable[[], Iterable[int]], Condition] | None = None
    for condition in conditions:
        if (found := _indexed(table, condition)) and (best is None or found[0] < best[0]):
            best = (*found, condition)
    # Another index has to be sorted by id afterwards, so it must find clearly fewer.
    if best is None or max(0, stop - start) <= 4 * best[0]:
        return _scan(table, start, stop, conditions, bounds)
    numbers = sorted(best[1]())
    start, stop = _within(numbers, bounds)
    return numbers[start:stop], [best[2], *bounds]


def _scan(
    table: Table, start: int, stop: int, conditions: Sequence[Condition], bounds: list[Condition]
) -> tuple[list[int], list[Condition]]:
    """A stretch of all numbers, already thinned by one condition whose column can be looked at in one go."""
    numbers = table.ids()[start:stop]
    first = next((one for one in conditions if one.in_one_go), None)
    if first is None:
        return numbers, bounds
    op, value, pairs = first.op, first.value, zip(numbers, table.aligned(first.field)[start:stop], strict=True)
    if op == "=":
        numbers = [n for n, text in pairs if text.lower() == value.lower()]
        return numbers, bounds  # whether case matters is looked at afterwards, for the few that are left
    if op == ">=":
        numbers = [n for n, text in pairs if text >= value]
    elif op == ">":
        numbers = [n for n, text in pairs if text > value]
    elif op == "<=":
        numbers = [n for n, text in pairs if "" < text <= value]
    else:
        numbers = [n for n, text in pairs if "" < text < value]
    return numbers, [*bounds, first]


def _within(numbers: list[int], bounds: Sequence[Condition]) -> tuple[int, int]:
    """Where the numbers that all bounds allow begin and end."""
    start, stop = 0, len(numbers)
    for bound in bounds:
        value = bound.numbers[0]
        if bound.op in (">", ">="):
            start = max(start, (bisect_right if bound.op == ">" else bisect_left)(numbers, value))
        else:
            stop = min(stop, (bisect_left if bound.op == "<" else bisect_right)(numbers, value))
    return start, max(start, stop)


def _indexed(table: Table, condition: Condition) -> tuple[int, Callable[[], Iterable[int]]] | None:
    """How many rows an index finds for this condition, and how to get at them; None when there is none."""
    field, op, value = condition.field, condition.op, condition.value
    if (among := condition.among) is not None:
        return len(among), lambda: [n for n in among if n in table]
    if op == "=" and field == "id":
        wanted = set(condition.numbers)
        return len(wanted), lambda: [n for n in wanted if n in table]
    if op == "=" and condition.is_id:
        matching = table.matching(field, map(str, condition.numbers))
        return len(matching), lambda: matching
    if condition.kind in (MOMENT, DATE) and op in ("?", ">", ">=", "<", "<="):
        low = value if op in (">", ">=") else None
        high = value if op in ("<", "<=") else None
        span = table.between(field, low, op == ">=", high, op == "<=")
        return len(span), span.numbers
    return None


def _keep(table: Table, numbers: list[int], condition: Condition, ignore_case: bool) -> list[int]:
    name, op, value = condition.field, condition.op, condition.value
    if condition.among is not None:
        return [n for n in numbers if n in condition.among]
    if op == "*":
        return numbers
    if op == "?":
        return [n for n in numbers if table[n].get(name) not in (None, "")]
    if op == "!?":
        return [n for n in numbers if table[n].get(name) in (None, "")]
    if condition.kind in (MOMENT, DATE) and op != "=":
        if op == ">=":
            return [n for n in numbers if (table[n].get(name) or "") >= value]
        if op == ">":
            return [n for n in numbers if (table[n].get(name) or "") > value]
        if op == "<=":
            return [n for n in numbers if "" < (table[n].get(name) or "") <= value]
        return [n for n in numbers if "" < (table[n].get(name) or "") < value]
    if name == "id":
        passes = _number_test(op, value)
        return [n for n in numbers if passes({"id": n})]
    passes = _test(condition, ignore_case)
    return [n for n in numbers if passes(table[n])]


def _test(condition: Condition, ignore_case: bool) -> Callable[[Row], bool]:
    name, op, value = condition.field, condition.op, condition.value
    if condition.kind == DATE:
        pattern = re.compile(re.escape(value).replace(r"\*", r"\d"))
        return lambda row: bool(pattern.fullmatch(row.get(name) or ""))
    if condition.kind == ARRAY:
        return lambda row: value in map(str, row.get(name) or ())
    if condition.kind == FLAG:
        return lambda row: (row.get(name) is (value == "true")) is (op == "=")
    if condition.kind == NUMBER:
        return _number_test(op, value, name)
    return _string_test(name, op, value, ignore_case)


def _number_test(op: str, value: str, name: str = "id") -> Callable[[Row], bool]:
    wanted = [Decimal(part) for part in value.split(",")]
    compare: dict[str, Callable[[Decimal], bool]] = {
        "=": lambda number: number in wanted,
        "!=": lambda number: number not in wanted,
        ">": lambda number: number > wanted[0],
        ">=": lambda number: number >= wanted[0],
        "<": lambda number: number < wanted[0],
        "<=": lambda number: number <= wanted[0],
    }
    chosen = compare[op]

    def passes(row: Row) -> bool:
        held = row.get(name)
        if held is None:
            return op == "!="
        try:
            return chosen(Decimal(str(held)))
        except InvalidOperation:
            return False

    return passes


def _string_test(name: str, op: str, value: str, ignore_case: bool) -> Callable[[Row], bool]:
    def fold(text: Any) -> str:
        return str(text or "").lower() if ignore_case else str(text or "")

    wanted = fold(value)
    if op == "=":
        return lambda row: fold(row.get(name)) == wanted
    if op == "!=":
        return lambda row: fold(row.get(name)) != wanted
    if op == "~":
        return lambda row: wanted in fold(row.get(name))
    pattern = re.compile(".*".join(map(re.escape, wanted.split("%"))), re.DOTALL)
    return lambda row: bool(pattern.fullmatch(fold(row.get(name))))


def order(
    numbers: list[int], lookup: Callable[[int], Row], sort: Sequence[tuple[str, bool]], in_id_order: bool
) -> list[int]:
    """Sort ascending numbers by (column, descending) pairs; equal ones stay in id order."""
    if not sort or (sort[0][0] == "created_at" and in_id_order and len(sort) == 1):
        return numbers[::-1] if sort and sort[0][1] else numbers
    if sort[0][0] == "id":
        return numbers[::-1] if sort[0][1] else numbers
    ordered = numbers
    for column, descending in reversed(sort):
        ordered = sorted(ordered, key=_key(lookup, column), reverse=descending)
    return ordered


def _key(lookup: Callable[[int], Row], column: str) -> Callable[[int], tuple[bool, Any]]:
    if column == "id":
        return lambda number: (False, number)
    if column.endswith("_id"):
        return lambda number: (not (held := lookup(number).get(column)), int(held or 0))

    def by_value(number: int) -> tuple[bool, Any]:
        held = lookup(number).get(column)
        return (held is None, "" if held is None else held)

    return by_value
