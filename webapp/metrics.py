"""Numbers for Prometheus, read at scrape time from the database and the queue, so that they hold across processes."""

from collections.abc import Iterator

import redis
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CollectorRegistry, GaugeMetricFamily
from prometheus_client.registry import Collector

from jobs.queues import QUEUES
from webapp.extensions import get_redis
from webapp.store import stats

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Snapshot(Collector):
    """Everything is counted over all accounts; labels hold states and streams, never an account or a person."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        numbers = stats.snapshot()
        yield _family("crmconnect_accounts", "Accounts by status", "status", numbers.accounts)
        yield _family("crmconnect_streams", "Streams by state", "state", numbers.streams)
        yield _family("crmconnect_links", "Links by state", "state", numbers.links)
        yield _family("crmconnect_issues_open", "Open issues by cause", "cause", numbers.issues)
        yield _family("crmconnect_reviews_open", "Open reviews by cause", "cause", numbers.reviews)
        yield _family("crmconnect_work_items", "Work items waiting by record kind", "kind", numbers.work_items)
        yield _family("crmconnect_late_seconds", "Longest delay of a due stream", "stream", numbers.late_seconds)
        yield _family("crmconnect_queue_jobs", "Jobs waiting by queue", "queue", _queues())


def render() -> bytes:
    """The exposition text."""
    registry = CollectorRegistry()
    registry.register(Snapshot())
    return generate_latest(registry)


def _family(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def _queues() -> dict[str, float]:
    try:
        return {name: float(get_redis().llen(f"rq:queue:{name}")) for name in QUEUES}
    except redis.RedisError:
        return {}
