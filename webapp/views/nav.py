"""The pages in the bar at the top, with how much waits on each."""

from dataclasses import dataclass

from flask import request

from webapp.security.tenant import FULL, current_role
from webapp.store import reviews
from webapp.store.models_account import Account

# Counting goes no further than this.
MOST = 1000


@dataclass(frozen=True)
class Page:
    """One entry. `waiting` is 0 where nothing waits."""

    endpoint: str
    label: str
    waiting: int = 0
    here: bool = False

    @property
    def count(self) -> str:
        """As it is shown."""
        return f"{MOST - 1}+" if self.waiting >= MOST else str(self.waiting)


def main_pages(account: Account) -> list[Page]:
    """What this visitor may open."""
    waiting, issues = reviews.count_waiting(account.hub_id, MOST)
    full = current_role() == FULL
    pages = (
        ("dashboard.dashboard", "Dashboard", 0, full),
        ("review.review_page", "Review", waiting, True),
        ("dashboard.issue_list", "Issues", issues, True),
        ("activity.activity_page", "Activity", 0, full),
        ("settings.settings_page", "Settings", 0, full),
    )
    return [Page(endpoint, label, number, here=_is_here(endpoint)) for endpoint, label, number, shown in pages if shown]


def _is_here(endpoint: str) -> bool:
    """Pages of one blueprint belong together, except on the dashboard's, which holds several entries."""
    blueprint = endpoint.partition(".")[0]
    return request.endpoint == endpoint or (blueprint != "dashboard" and request.blueprint == blueprint)
