"""A simulated HubSpot over real HTTP, for the demo and the tests."""

from webapp.sandbox.hubspot.portal import App, Portal
from webapp.sandbox.hubspot.sandbox import HubSpotSandbox

__all__ = ["App", "HubSpotSandbox", "Portal"]
