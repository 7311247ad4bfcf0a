"""CSV in a form that spreadsheets cannot mistake for formulas. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

# A cell whose first visible sign is one of these is a formula to a spreadsheet, the wide ones in some languages.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# At the start of a cell these are cut off, or begin one of their own.
_SKIPPED = " \t\r\n\v\f\0\ufeff\u200b\xa0"
_BREAKS = ("\t", "\r", "\n")
# Lines that leave together.
LINES = 200


def cell(value: Any) -> str:
    """The text of one cell."""
    if value is None:
        return ""
    text = value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_BREAKS) or text.lstrip(_SKIPPED).startswith(_FORMULA) else text


def csv_chunks(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file piece by piece, so that it is never whole in memory."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(header)
    for number, row in enumerate(rows, 1):
        writer.writerow([cell(value) for value in row])
        if number % LINES == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
