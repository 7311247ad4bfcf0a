"""What is forgotten by itself."""

from datetime import timedelta

import time_machine

from webapp.clock import now
from webapp.store import housekeeping, streams


def test_run_history_is_kept_for_half_a_year(hub, engine):
    streams.ensure_streams(hub, ["patients"])
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(3):
            streams.open_cycle(hub, "patients")
            streams.close_cycle(hub, "patients")
            clock.shift(timedelta(days=90))
        assert housekeeping.prune(now() - timedelta(seconds=1))["run"] == 1
        assert [run.cycle_no for run in streams.last_runs(hub)] == [3, 2]
        assert housekeeping.prune(now())["run"] == 0
        clock.shift(timedelta(days=900))
        assert housekeeping.prune(now())["run"] == 2
        assert streams.last_runs(hub) == []
        assert streams.get_stream(hub, "patients").cycle_no == 3, "the stream itself goes on"


def test_an_empty_database_has_nothing_to_forget(app):
    assert not any(housekeeping.prune(now()).values())
    assert housekeeping.accounts_to_purge(now()) == []
