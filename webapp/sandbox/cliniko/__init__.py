"""A simulated Cliniko over real HTTP, for the demo and the tests."""

from webapp.sandbox.cliniko.model import ClinikoAccount, ClinikoSandbox, Switches

__all__ = ["ClinikoAccount", "ClinikoSandbox", "Switches"]
