"""Clock, call log and faults: the same for both simulated services."""

from webapp.sandbox.support import CallLog, Fault, Faults, LoggedCall, SandboxClock

__all__ = ["CallLog", "Fault", "Faults", "LoggedCall", "SandboxClock"]
