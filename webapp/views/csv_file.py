"""A CSV file as an answer, written while it is sent."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from flask import Response, stream_with_context

from webapp.csv_lines import csv_chunks


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """`name` without its ending. The byte order mark tells spreadsheets that it is UTF-8."""
    pieces = chain(["\ufeff"], csv_chunks(header, rows))
    answer = Response(stream_with_context(pieces), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
