"""Reads the tables of our own documents."""

import re

from tests.guards.source import ROOT


def rows(path: str, heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head; a first cell that is code is taken out of its marks."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{path} has no heading {heading!r}"
    lines = [line for line in found[1].splitlines() if line.startswith("|")][2:]
    assert lines, f"{path} has no table under {heading!r}"
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]
    return [[re.sub(r"^`([^`]+)`$", r"\1", cells[0]), *cells[1:]] for cells in table]
