"""The demo: the whole product on one machine, against a simulated Cliniko and HubSpot. `python -m webapp.demo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from webapp.sandbox.server import Sandbox

DAMAGED = "The data of the last demo in {folder} cannot be read. Start over with --reset."
IN_USE = "Another program uses {folder}. Stop it first."


class SimulatedFailed(Exception):
    """The simulated services did not start; the message says why and what to do."""


class Simulated:
    """The simulated Cliniko and HubSpot, served from this process; their state is kept in `folder`."""

    def __init__(
        self, folder: Path, *, ports: Mapping[str, int], secrets: Mapping[str, str], app_id: int, public_url: str
    ) -> None:
        self._folder = folder
        self._ports = ports
        self._app: dict[str, Any] = {
            "client_id": secrets["client_id"],
            "client_secret": secrets["client_secret"],
            "app_id": app_id,
            "public_url": public_url,
        }
        self._sandbox: Sandbox | None = None

    def start(self, patients: int) -> Self:
        """Serve both; a clinic of that size is made when none was kept. Raises SimulatedFailed."""
        # Only here: the product itself never loads the simulated services.
        from webapp.sandbox.keeping import BadState, FolderInUse
        from webapp.sandbox.server import PortTaken, Sandbox

        self._sandbox = Sandbox(
            patients=patients,
            examples=True,
            data=self._folder,
            cliniko_port=self._ports["cliniko"],
            hubspot_port=self._ports["hubspot"],
            **self._app,
        )
        try:
            self._sandbox.start()
        except BadState:
            raise SimulatedFailed(DAMAGED.format(folder=self._folder)) from None
        except FolderInUse:
            raise SimulatedFailed(IN_USE.format(folder=self._folder)) from None
        except PortTaken as problem:
            raise SimulatedFailed(f"{str(problem).capitalize()}. Try again.") from None
        return self

    @property
    def running(self) -> Sandbox:
        assert self._sandbox is not None, "started before anything is asked of it"
        return self._sandbox

    @property
    def hub_id(self) -> int:
        return self.running.portal.hub_id

    @property
    def pages(self) -> dict[str, str]:
        """Where a person looks at both."""
        cliniko = self.running.cliniko_url.removesuffix("/v1")
        return {
            "hubspot": f"{self.running.hubspot_url}/portals/{self.hub_id}",
            "cliniko": f"{cliniko}/accounts/{self.running.account.id}",
        }

    def create_contacts(self, contacts: Sequence[Mapping[str, str]]) -> list[str]:
        """As somebody in HubSpot types them in; returns their ids."""
        ids = [self.running.portal.create("contacts", dict(properties)).id for properties in contacts]
        self.running.save()
        return ids

    def token(self) -> str:
        """Lets the check read HubSpot without taking the product's own access away."""
        return str(self.running.hubspot.access_token(self.running.portal, self.running.hubspot_app))

    def calls(self) -> dict[str, int]:
        """API calls that each service has answered so far."""
        return {
            "cliniko": self.running.cliniko.calls.count(path="^/v1/"),
            "hubspot": self.running.hubspot.calls.count(path="^/(crm|account-info)/"),
        }

    def deals(self) -> int:
        """Deals that are in HubSpot."""
        return sum(1 for deal in self.running.portal.deals if not deal.archived)

    def stop(self) -> None:
        """Close both and keep their state; harmless when they never started."""
        if self._sandbox is not None:
            self._sandbox.stop()
