"""`python -m webapp.demo`, which `make demo` runs: tells the story, shows the result, stays until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from webapp.config import ROOT, ConfigError
from webapp.demo import SimulatedFailed
from webapp.demo.place import DemoFailed, Place, default_folder
from webapp.demo.service import telling_lines
from webapp.demo.steps import Findings, Steps
from webapp.demo.story import Story

PATIENTS = 1000
FAILED, INTERRUPTED = 1, 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    options = _parser().parse_args(arguments)
    # A line must not fail because a terminal lacks the tick.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # text streams of the interpreter
    # With --json, standard output holds the object alone.
    story = Story(sys.stderr if options.json else sys.stdout)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        place = Place.open(default_folder(), reset=options.reset)
    except DemoFailed as problem:
        return _failed(story, None, str(problem), options.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    return _run(place, story, options)


def _run(place: Place, story: Story, options: argparse.Namespace) -> int:
    steps: Steps | None = None
    done = False
    try:
        _introduce(place, story, options)
        steps = Steps(place, story, place.kept.get("patients") or options.patients or PATIENTS)
        findings = steps.run()
        done = True
        _report(story, steps, findings, options.json)
        if not options.exit_when_done:
            story.line(" Press Ctrl-C to stop.")
            _stay(steps)
        return 0
    except KeyboardInterrupt:
        return 0 if done else INTERRUPTED
    except (DemoFailed, SimulatedFailed, ConfigError) as problem:
        return _failed(story, place if getattr(problem, "see_log", False) else None, str(problem), options.json)
    except httpx.HTTPError as problem:
        return _failed(story, place, f"No proper answer ({type(problem).__name__}).", options.json)
    finally:
        _stop(steps, story)


def _introduce(place: Place, story: Story, options: argparse.Namespace) -> None:
    place.choose_ports(options.port)
    place.save()
    for note in place.notes:
        story.line(f" {note}")
    if place.known:
        story.line(f" Going on with the data of last time, in {_short(place.folder)}; `make demo RESET=1` starts over.")
        if options.patients and options.patients != place.kept.get("patients"):
            story.line(f" They are {place.kept.get('patients'):,} patients; another number needs RESET=1 as well.")


def _report(story: Story, steps: Steps, findings: Findings, as_json: bool) -> None:
    urls = {
        "dashboard": f"{steps.place.url('web')}/oauth/install",
        "hubspot": steps.simulated.pages["hubspot"],
        "cliniko": steps.simulated.pages["cliniko"],
    }
    if as_json:
        _print_json({"ok": True, **findings.as_dict(), "steps": story.steps, "urls": urls})
        return
    story.line()
    story.table(
        [
            ("Patients in Cliniko", f"{findings.patients:,}"),
            ("Patients read", f"{findings.read:,}"),
            ("Contacts created", f"{findings.created:,}"),
            *([("Contacts updated", f"{findings.updated:,}")] if findings.resumed else []),
            ("Linked to a contact with the same email and name", f"{findings.linked_by_names:,}"),
            ("Linked to a contact with the same email and no name", f"{findings.linked_by_email:,}"),
            ("Separate, shared email", f"{findings.verdict.shared:,}"),
            ("Left out, archived in Cliniko", f"{findings.verdict.left_out:,}"),
            *_deal_rows(findings),
            ("Issues", f"{findings.issues:,}"),
            ("Waiting for a decision", f"{findings.reviews:,}"),
            ("API calls to Cliniko / HubSpot", f"{findings.calls['cliniko']:,} / {findings.calls['hubspot']:,}"),
            ("Seconds", f"{findings.sync_seconds:,.1f}"),
        ]
    )
    story.line()
    story.line(f" Dashboard           {urls['dashboard']}   (press “Connect app”: that signs your browser in)")
    story.line(f" Simulated HubSpot   {urls['hubspot']}")
    story.line(f" Simulated Cliniko   {urls['cliniko']}")
    story.line()
    story.line(" Change a patient in Cliniko, press “Sync now” on the dashboard, and see the contact change.")


def _deal_rows(findings: Findings) -> list[tuple[str, str]]:
    found = findings.deal_verdict
    return [
        ("Appointments: " + ", ".join(found.appointments), " / ".join(f"{n:,}" for n in found.appointments.values())),
        ("Invoices: " + ", ".join(found.invoices), " / ".join(f"{n:,}" for n in found.invoices.values())),
        ("Invoices in HubSpot / in Cliniko", f"{found.total:,.2f} / {found.expected:,.2f}"),
        ("Deals with an owner / with a case", f"{found.owned:,} / {found.with_case:,}"),
        ("Appointments with an amount", f"{found.priced:,}"),
        ("Contacts with a visit summary", f"{findings.summaries:,}"),
    ]


def _stay(steps: Steps) -> None:
    assert steps.service is not None
    while True:
        steps.service.check()
        time.sleep(0.5)


def _stop(steps: Steps | None, story: Story) -> None:
    """End everything; a further signal does not wait for running work."""
    if steps is None:
        return
    running = steps

    def hurry(signum: int, frame: FrameType | None) -> None:
        if time.monotonic() - began > 2 and running.service is not None:
            running.service.kill()

    began = time.monotonic()
    for number in _SIGNALS:
        signal.signal(number, hurry)
    story.pending("Stopping …")
    running.stop()
    story.pending("")
    story.line(f" Stopped. The data stays in {_short(running.place.folder)}.")


def _failed(story: Story, place: Place | None, problem: str, as_json: bool) -> int:
    story.line(f"\n {problem}")
    lines = telling_lines(place.log) if place is not None else []
    if lines and place is not None:
        story.line(f"\n The end of {_short(place.log)}:")
        for line in lines:
            story.line(f"   {line}")
        story.line()
    if as_json:
        failed = story.failed or None
        _print_json({"ok": False, "failed_step": failed, "error": problem, "steps": story.steps})
    return FAILED


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _short(path: Path) -> str:
    """Relative to the project where it lies there."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webapp.demo", description="Run the whole product against a simulated Cliniko and HubSpot."
    )
    parser.add_argument("--reset", action="store_true", help="forget the data of last time")
    parser.add_argument("--patients", type=_number, help="patients of a new simulated clinic (default: 1000)")
    parser.add_argument("--port", type=_port, help="port of the dashboard (default: 5000)")
    parser.add_argument("--exit-when-done", action="store_true", help="stop after the result is shown")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser


def _number(text: str) -> int:
    return _whole(text, 1, 1_000_000)


def _port(text: str) -> int:
    return _whole(text, 1, 65_535)


def _whole(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not text.isascii() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"use a whole number from {low:,} to {high:,}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
