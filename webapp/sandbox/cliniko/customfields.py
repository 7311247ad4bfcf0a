"""A patient's custom fields: tokens say which field is meant, names and types come from the account's definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from webapp.sandbox.cliniko.checks import INVALID, Wrong, day

Node = dict[str, Any]


def read(sent: Any, definition: Any, stored: Any, *, replace: bool) -> Node | None:
    """What to store. Raises Wrong. Unless `replace`, sections that were not sent keep what they held."""
    if sent is None:
        return None
    sections = _items(sent, "sections")
    known = _by_token(_items(definition or {"sections": []}, "sections"))
    kept = [_section(section, _known(section, known)) for section in sections]
    if not replace:
        named = {section["token"] for section in kept}
        kept = [*(s for s in (stored or {}).get("sections", []) if s["token"] not in named), *kept]
    return {"sections": kept}


def _section(sent: Node, known: Node) -> Node:
    fields = _by_token(known["fields"])
    kept = [_field(field, _known(field, fields)) for field in _items(sent, "fields")]
    return {"name": known["name"], "token": known["token"], "fields": kept}


def _field(sent: Node, known: Node) -> Node:
    kept: Node = {"name": known["name"], "token": known["token"], "type": known["type"]}
    if known["type"] in ("text", "paragraph", "date"):
        if "options" in sent or "other" in sent:
            raise Wrong(INVALID)
        if "value" in sent:
            kept["value"] = _value(sent["value"], known["type"])
        return kept
    if "value" in sent:
        raise Wrong(INVALID)
    options = _by_token(known.get("options", []))
    kept["options"] = [
        {**_known(option, options), **({"selected": True} if option.get("selected") is True else {})}
        for option in _items(sent, "options", optional=True)
    ]
    other = _other(sent.get("other"), known)
    if other is not None:
        kept["other"] = other
    chosen = sum("selected" in option for option in kept["options"]) + ("selected" in (other or {}))
    if known["type"] == "radiobuttons" and chosen > 1:
        raise Wrong(INVALID)
    return kept


def _value(value: Any, kind: str) -> str:
    if not isinstance(value, str) or not value:
        raise Wrong(INVALID)
    return (day(value) or "") if kind == "date" else value


def _other(sent: Any, known: Node) -> Node | None:
    """The free answer beside the options; its text only when it is selected."""
    if sent is None or "other" not in known:
        return dict(known["other"]) if "other" in known else None
    if not isinstance(sent, Mapping):
        raise Wrong(INVALID)
    kept = dict(known["other"])
    if sent.get("selected") is True:
        kept["selected"] = True
    if "value" in sent:
        if "selected" not in kept or not isinstance(sent["value"], str) or not 0 < len(sent["value"]) <= 255:
            raise Wrong(INVALID)
        kept["value"] = sent["value"]
    return kept


def _items(node: Any, name: str, *, optional: bool = False) -> list[Node]:
    found = node.get(name) if isinstance(node, Mapping) else None
    if found is None and optional:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise Wrong(INVALID)
    return found


def _by_token(nodes: Iterable[Node]) -> dict[str, Node]:
    return {node["token"]: node for node in nodes}


def _known(sent: Node, known: Mapping[str, Node]) -> Node:
    found = known.get(str(sent.get("token")))
    if found is None:
        raise Wrong(INVALID)
    return dict(found)
