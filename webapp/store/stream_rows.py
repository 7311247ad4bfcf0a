"""The rows of an account's streams, made when they are first needed."""

from collections.abc import Sequence

from webapp.clock import now

from .models_sync import StreamState
from .sql import upsert


def add_rows(hub_id: int, streams: Sequence[str]) -> None:
    """Rows of these streams, due at once; one that exists stays as it is. The caller commits."""
    moment = now()
    rows = [
        {
            "hub_id": hub_id,
            "stream": stream,
            "state": "idle",
            "cycle_no": 0,
            "next_run_at": moment,
            "failures": 0,
            "requested": False,
            "reread": False,
            "counts": {},
        }
        for stream in streams
    ]
    upsert(StreamState, rows, keys=["hub_id", "stream"], update=[])
