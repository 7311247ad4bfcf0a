"""What the demo prints on a terminal and into a pipe; its folder, its ports, its browser."""

import io
import socket

import pytest

from tests.support.serving import served
from webapp.demo.browser import Browser
from webapp.demo.place import USUAL_PORTS, DemoFailed, Place, is_free
from webapp.demo.service import telling_lines
from webapp.demo.story import Story


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told(output):
    story = Story(output)
    with story.step("Reading") as step:
        step.say("100 of 300 read …")
        step.done = "All 300 read"
    with pytest.raises(DemoFailed), story.step("Writing"):
        raise DemoFailed("No.")
    story.table([("Patients read", "1,003"), ("Issues", "3")])
    return story


def test_a_pipe_gets_plain_lines():
    output = io.StringIO()
    story = told(output)
    lines = output.getvalue().splitlines()
    assert lines[0].startswith(" ✓ All 300 read") and lines[0].endswith(" 0.0 s")
    assert lines[1].startswith(" ✗ Writing")
    assert lines[2].split() == ["Patients", "read", "1,003"] and len(lines[2]) == len(lines[3])
    assert len(lines) == 4 and "\x1b" not in output.getvalue() and "\r" not in output.getvalue()
    assert [step["step"] for step in story.steps] == ["All 300 read"] and story.failed == "Writing"


def test_a_terminal_sees_how_far_it_is():
    output = Terminal()
    told(output)
    assert "100 of 300 read" in output.getvalue()
    assert "\r\x1b[K ✓ All 300 read" in output.getvalue()


def test_a_reader_that_went_away_changes_nothing():
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    story = Story(Closed())
    with story.step("Anything"):
        pass
    assert len(story.steps) == 1


def test_secrets_are_made_once_and_kept(tmp_path):
    first = Place.open(tmp_path / "demo", reset=False)
    first.choose_ports(None)
    first.kept["begun"] = True
    first.save()
    path = tmp_path / "demo" / "demo.json"
    assert path.stat().st_mode & 0o077 == 0
    first.close()
    again = Place.open(tmp_path / "demo", reset=False)
    assert again.known and again.kept == first.kept
    assert again.settings().public_url == again.url("web")
    again.close()
    fresh = Place.open(tmp_path / "demo", reset=True)
    assert not fresh.known and fresh.kept["secrets"] != first.kept["secrets"] and not path.exists()
    fresh.close()


def test_one_demo_at_a_time_in_a_folder(tmp_path):
    first = Place.open(tmp_path, reset=False)
    with pytest.raises(DemoFailed, match="running already"):
        Place.open(tmp_path, reset=True)
    first.close()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoFailed, match="VAR_DIR"):
        Place.open(tmp_path / "file" / "demo", reset=False)


def test_no_setting_of_this_machine_gets_in(tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://production:6379")
    monkeypatch.setenv("DATABASE_URL_FILE", "/run/secrets/database")
    monkeypatch.setenv("MAIL_SERVER", "mail.example.com")
    place = Place.open(tmp_path, reset=False)
    place.choose_ports(None)
    environ = place.environ()
    assert environ["REDIS_URL"] == environ["MAIL_SERVER"] == environ["DATABASE_URL_FILE"] == ""
    assert str(tmp_path) in environ["DATABASE_URL"]
    place.close()


def test_a_taken_port_is_replaced_and_said(tmp_path):
    place = Place.open(tmp_path, reset=False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert not is_free(taken)
        place.choose_ports(taken)
    ports = place.kept["ports"]
    assert ports["web"] != taken and len(set(ports.values())) == len(USUAL_PORTS)
    assert place.notes[0] == f"Port {taken} is taken by another program, so the dashboard is at port {ports['web']}."
    place.choose_ports(taken)
    assert place.kept["ports"]["web"] == taken
    place.close()


PAGE = b"""<!doctype html><title>Set-up
 page</title><style>p { color: red }</style><p class="note problem" role="alert">The key was <b>refused</b>.<p>Fine
<form action="/send" method="post"><input type=hidden name=csrf_token value="t&amp;1"><input name=key><br>
<select name=portal><option value=1>One<option value=2 selected>Two</select><button name=answer value=yes>Yes</button>
<button name=answer value=no>No</button><button disabled name=answer value=never>Never</button></form>"""


def site(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/old":
        start_response("302 Found", [("Location", "/page")])
        return [b""]
    if path == "/send":
        sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<title>" + sent + b"</title>"]
    start_response("200 OK" if path == "/page" else "500 Oops", [("Content-Type", "text/html; charset=utf-8")])
    return [PAGE]


def test_the_browser_reads_and_sends_forms():
    browser = Browser()
    with served(site) as url:
        page = browser.open(f"{url}/old")
        assert page.url == f"{url}/page" and page.title == "Set-up page"
        assert page.problems[0].startswith("The key was refused.")
        (form,) = page.forms
        assert form.fields == {"csrf_token": "t&1", "key": "", "portal": "2"}
        assert [label for _, _, label in form.buttons] == ["Yes", "No"]
        sent = browser.press(page, "/send", choice="no", key="abc")
        assert sent.title == "csrf_token=t%261&key=abc&portal=2&answer=no"
        with pytest.raises(DemoFailed, match="no form for /other"):
            browser.press(page, "/other")
        with pytest.raises(DemoFailed, match="no button “never”"):
            browser.press(page, "/send", choice="never")
        with pytest.raises(DemoFailed, match="/broken answered 500"):
            browser.open(f"{url}/broken")
    browser.close()


def test_the_log_lines_that_explain_a_failure(tmp_path):
    log = tmp_path / "service.log"
    assert telling_lines(log) == []
    quiet = '10:00:00 web | {"event": "api_call", "level": "info"}'
    log.write_text(f"{quiet}\n")
    assert telling_lines(log) == [quiet]
    loud = '10:00:01 worker | {"event": "job_failed", "level": "error"}'
    trace = "10:00:02 web | ModuleNotFoundError: No module named 'x'"
    log.write_text(f"{quiet}\n{loud}\n{quiet}\n{trace}\n{quiet}\n")
    assert telling_lines(log) == [loud, trace]
