"""How a path of the API is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, Any]


@dataclass(frozen=True, eq=False)
class Route:
    """`resource` names what a role must be allowed to see; `fixed` are arguments the path does not hold."""

    method: str
    path: str
    handler: Callable[..., Answer]
    resource: str | None = None
    fixed: dict[str, Any] = field(default_factory=dict)
