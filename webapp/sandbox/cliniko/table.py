"""Rows of one kind in one account, with the orders and look-ups that keep lists of many thousands quick."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]
_LAST = 1 << 63


class Table(dict[int, Row]):
    """Rows by number. Change a stored row through `change` only, or what was indexed goes stale.

    An index of a column is built when it is first asked for and kept up to date from then on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ids: list[int] = []
        self._in_order = True
        self._ordered: dict[str, list[tuple[str, int]]] = {}
        self._equal: dict[str, dict[str, set[int]]] = {}
        self._filled: dict[str, set[int]] = {}
        self._aligned: dict[str, list[str]] = {}
        self._by_creation: bool | None = True

    def __setitem__(self, number: int, row: Row) -> None:
        old = self.get(number)
        if old is None:
            self._append(number, row)
        else:
            self._forget(number, old, self._columns())
            self._by_creation = None
        super().__setitem__(number, row)
        self._remember(number, row, self._columns())

    def __delitem__(self, number: int) -> None:
        self._forget(number, self[number], self._columns())
        super().__delitem__(number)
        self._ids, self._in_order = sorted(self), True
        self._aligned.clear()

    def change(self, number: int, changes: Mapping[str, Any]) -> Row:
        row = self[number]
        touched = self._columns() & changes.keys()
        self._forget(number, row, touched)
        row.update(changes)
        self._remember(number, row, touched)
        if "created_at" in changes:
            self._by_creation = None
        return row

    def ids(self) -> list[int]:
        """Every number, ascending. Not to be changed by the caller."""
        if not self._in_order:
            self._ids.sort()
            self._in_order = True
        return self._ids

    def created_in_id_order(self) -> bool:
        """True when ordering by number is ordering by creation time."""
        if self._by_creation is None:
            times = [self[number]["created_at"] for number in self.ids()]
            self._by_creation = all(a <= b for a, b in itertools.pairwise(times))
        return self._by_creation

    def between(self, column: str, low: str | None, low_in: bool, high: str | None, high_in: bool) -> Span:
        """Rows whose text in `column` lies in a range; rows without a value are in none."""
        order = self._ordered.get(column)
        if order is None:
            order = self._ordered[column] = sorted((row[column], n) for n, row in self.items() if row.get(column))
        start, stop = 0, len(order)
        if low is not None:
            start = bisect_left(order, (low, -1)) if low_in else bisect_right(order, (low, _LAST))
        if high is not None:
            stop = bisect_right(order, (high, _LAST)) if high_in else bisect_left(order, (high, -1))
        return Span(order, start, max(start, stop))

    def matching(self, column: str, values: Iterable[str]) -> set[int]:
        """Numbers of the rows whose `column` is one of these texts."""
        index = self._equal.get(column)
        if index is None:
            index = self._equal[column] = {}
            for number, row in self.items():
                if (value := row.get(column)) is not None:
                    index.setdefault(value, set()).add(number)
        found: set[int] = set()
        for value in values:
            found |= index.get(value, set())
        return found

    def filled(self, column: str) -> set[int]:
        """Numbers of the rows that have a value in `column`. Not to be changed by the caller."""
        if column not in self._filled:
            self._filled[column] = {number for number, row in self.items() if row.get(column)}
        return self._filled[column]

    def aligned(self, column: str) -> list[str]:
        """The column's texts in the order of `ids`, "" for none: the quick way to look at very many rows."""
        ids = self.ids()
        if column not in self._aligned:
            self._aligned[column] = [self[number].get(column) or "" for number in ids]
        return self._aligned[column]

    def rows(self, column: str, value: str) -> list[Row]:
        """The rows whose `column` is this text, oldest first."""
        return [self[number] for number in sorted(self.matching(column, [value]))]

    def _append(self, number: int, row: Row) -> None:
        if self._ids and number < self._ids[-1]:
            self._in_order, self._by_creation = False, None
            self._aligned.clear()
        elif self._ids and self._by_creation and row["created_at"] < self[self._ids[-1]]["created_at"]:
            self._by_creation = False
        self._ids.append(number)
        for column, texts in self._aligned.items():
            texts.append(row.get(column) or "")

    def _columns(self) -> set[str]:
        return {*self._ordered, *self._equal, *self._filled, *self._aligned}

    def _forget(self, number: int, row: Row, columns: Iterable[str]) -> None:
        for column in columns:
            value = row.get(column)
            if value and column in self._ordered:
                order = self._ordered[column]
                del order[bisect_left(order, (value, number))]
            if value is not None and column in self._equal:
                self._equal[column][value].discard(number)
            if column in self._filled:
                self._filled[column].discard(number)

    def _remember(self, number: int, row: Row, columns: Iterable[str]) -> None:
        for column in columns:
            value = row.get(column)
            if value and column in self._ordered:
                insort(self._ordered[column], (value, number))
            if value is not None and column in self._equal:
                self._equal[column].setdefault(value, set()).add(number)
            if value and column in self._filled:
                self._filled[column].add(number)
            if column in self._aligned:
                self._aligned[column][bisect_left(self.ids(), number)] = value or ""


class Span:
    """A stretch of an order: how long it is costs nothing, its numbers are made when asked for."""

    def __init__(self, order: list[tuple[str, int]], start: int, stop: int) -> None:
        self._order, self._start, self._stop = order, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def numbers(self) -> list[int]:
        return [number for _, number in self._order[self._start : self._stop]]
