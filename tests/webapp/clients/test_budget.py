"""Budgets are shared through Redis: a moving window, a share kept for people, a time until which nobody calls."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from webapp.clients.budget import Budget
from webapp.clients.errors import Throttled, Unavailable
from webapp.clock import now

ROOT = Path(__file__).parents[3]
# Waits for the other process, takes calls for two seconds and prints when it got each.
TAKER = """
import json, sys, time, redis
from webapp.clients.budget import Budget
from webapp.clients.errors import Throttled
connection = redis.Redis.from_url(sys.argv[1])
budget, taken = Budget(connection, "shared", 10, 1, 0.0), []
connection.incr("ready")
while connection.get("ready") != b"2":
    time.sleep(0.005)
end = time.time() + 2
while time.time() < end:
    try:
        budget.take()
        taken.append(time.time())
    except Throttled:
        time.sleep(0.005)
print(json.dumps(taken))
"""


def taken(budget: Budget) -> int:
    """How many calls this budget gives at once."""
    count = 0
    while True:
        try:
            budget.take()
        except Throttled:
            return count
        count += 1


def test_a_budget_gives_its_limit_and_then_says_when_to_come_back(make_budget):
    budget = make_budget(limit=5, per=10, max_wait=0.0)
    began = now()
    assert taken(budget) == 5
    with pytest.raises(Throttled) as raised:
        budget.take()
    assert raised.value.category == "budget"
    assert raised.value.maybe_applied is False
    assert began + timedelta(seconds=10) <= raised.value.retry_at <= now() + timedelta(seconds=10)


def test_a_short_wait_is_waited_for_and_the_window_moves(make_budget, sleeper):
    budget = make_budget(limit=2, per=10, max_wait=20)
    began = time.time()
    for _ in range(7):
        budget.take()
    assert 30 <= time.time() - began < 31, "two per ten seconds: the seventh comes in the fourth window"
    assert all(wait <= 10.01 for wait in sleeper.waits)


def test_a_window_moves_call_by_call_and_does_not_start_anew(make_budget, clock):
    budget = make_budget(limit=4, per=10, max_wait=0.0)
    for _ in range(4):
        budget.take()
        clock.shift(2)
    assert taken(budget) == 0
    clock.shift(2)
    assert taken(budget) == 1, "only the first call has left the window"


def test_two_processes_share_one_window(valkey_url):
    command = [sys.executable, "-c", TAKER, valkey_url]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(2)]
    mine, theirs = (json.loads(process.communicate(timeout=60)[0]) for process in started)
    assert mine and theirs
    moments = sorted([*mine, *theirs])
    assert len(moments) >= 11, "no second window began"
    # The eleventh call after any call comes a second later; a hair less is the time between asking and noting.
    assert all(later - earlier > 0.99 for earlier, later in zip(moments, moments[10:], strict=False))


def test_background_leaves_a_fifth_which_a_person_can_use(make_budget):
    background = make_budget(limit=100, per=60, max_wait=0.0, reserve=0.2)
    person = make_budget(limit=100, per=60, max_wait=0.0)
    assert taken(background) == 80
    assert taken(person) == 20
    assert taken(background) == 0


def test_what_people_use_counts_for_background_too(make_budget):
    background = make_budget(limit=100, per=60, max_wait=0.0, reserve=0.2)
    person = make_budget(limit=100, per=60, max_wait=0.0)
    for _ in range(50):
        person.take()
    assert taken(background) == 50
    assert taken(person) == 0


def test_a_background_call_that_waits_for_the_whole_takes_one_place_of_its_share(make_budget):
    person = make_budget(limit=10, per=10, max_wait=0.0)
    background = make_budget(limit=10, per=10, max_wait=20, reserve=0.2)
    assert taken(person) == 10
    background.take()
    background.max_wait = 0.0
    assert taken(background) == 7


def test_a_background_call_that_was_refused_used_nothing_up(make_budget, clock):
    person = make_budget(limit=10, per=10, max_wait=0.0)
    background = make_budget(limit=10, per=10, max_wait=0.0, reserve=0.2)
    assert taken(person) == 10
    clock.shift(5)
    for _ in range(8):
        assert taken(background) == 0
    clock.shift(5.1)
    assert taken(background) == 8


def test_the_smallest_budget_still_gives_one_call(make_budget):
    assert taken(make_budget(limit=1, per=10, max_wait=0.0, reserve=0.2)) == 1


def test_a_block_holds_for_everyone_under_the_key(valkey, valkey_url, make_budget, clock):
    mine = make_budget("one", max_wait=0.0)
    other = redis.Redis.from_url(valkey_url)
    theirs = Budget(other, "one", 1000, 60, 0.0, reserve=0.2)
    until = now() + timedelta(seconds=30)
    mine.block(until)
    with pytest.raises(Throttled) as raised:
        theirs.take()
    assert abs(raised.value.retry_at - until) < timedelta(seconds=0.01)
    assert abs(theirs.blocked_until() - until) < timedelta(seconds=0.01)
    make_budget("another", max_wait=0.0).take()
    clock.shift(31)
    assert theirs.blocked_until() is None
    theirs.take()
    other.close()


def test_a_short_block_is_waited_for(make_budget, sleeper):
    budget = make_budget(max_wait=20)
    budget.block(now() + timedelta(seconds=12))
    budget.take()
    assert 11.9 < sum(sleeper.waits) < 12.2


def test_a_later_block_wins_over_a_shorter_one(make_budget):
    budget = make_budget()
    long = now() + timedelta(minutes=10)
    budget.block(long)
    budget.block(now() + timedelta(seconds=5))
    assert abs(budget.blocked_until() - long) < timedelta(seconds=0.01)
    budget.block(long + timedelta(minutes=1))
    assert budget.blocked_until() > long


def test_a_block_in_the_past_blocks_nothing(make_budget):
    budget = make_budget()
    budget.block(now() - timedelta(seconds=5))
    budget.block(datetime(1970, 1, 1, tzinfo=UTC))
    assert budget.blocked_until() is None
    budget.take()


def test_an_absurd_block_ends_after_a_day(make_budget, valkey):
    budget = make_budget("far")
    budget.block(datetime(9999, 12, 31, tzinfo=UTC))
    assert budget.blocked_until() < now() + timedelta(hours=25, seconds=1)
    assert 0 < valkey.pttl("crmconnect:budget:far:blocked") <= 25 * 3600 * 1000 + 1000


def test_without_redis_nothing_is_sent(valkey_server):
    with redis.Redis(port=1, socket_connect_timeout=0.2, retry=None) as away:
        budget = Budget(away, "any", 10, 10, 0.0, service="cliniko")
        calls = (budget.take, budget.blocked_until, lambda: budget.block(now() + timedelta(seconds=5)))
        for call in calls:
            with pytest.raises(Unavailable) as raised:
                call()
            assert (raised.value.service, raised.value.category) == ("cliniko", "budget_unavailable")
            assert raised.value.maybe_applied is False
