"""Every cause that the engine stores has plain words on the pages and on the command line; none are left over."""

import ast
import re
from dataclasses import fields

import pytest

from jobs.sync import causes
from tests.guards.source import ROOT, modules, tree, within
from webapp.cli.sync_words import REASONS
from webapp.store.issues import DECISIONS
from webapp.store.models_sync import Issue, StreamState
from webapp.store.settings import AccountSettings
from webapp.views import words

CAUSES = {name: value for name, value in vars(causes).items() if name.isupper()}

# A review is asked in a sentence of its own.
REVIEWS = set(DECISIONS)

# What holds up a whole stream comes from the engine itself, or is raised as NotYet by a stream.
ENGINE = "jobs.sync.engine"

# What a person reads must not sound like us.
JARGON = re.compile(r"(?i)\b(upsert|payload|cursor|job|jobs|207|oops|null|api call|endpoint|webhook|queue)\b|!")


def used(node: ast.AST) -> set[str]:
    """The causes named below a node."""
    return {
        CAUSES[child.attr]
        for child in ast.walk(node)
        if isinstance(child, ast.Attribute) and ast.unparse(child.value) == "causes"
    }


def of_streams() -> set[str]:
    found = used(tree(modules()[ENGINE]))
    for module, path in modules().items():
        if within(module, "jobs.sync"):
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("NotYet"):
                    found |= used(node)
    return found


def of_records() -> set[str]:
    found: set[str] = set()
    for module, path in modules().items():
        if not within(module, "jobs.sync") or module == ENGINE:
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "causes":
                found.add(CAUSES[node.attr])
    return found - (of_streams() - {causes.REFUSED})


def texts() -> list[str]:
    pairs = [*words.ISSUES.values(), words.OTHER_ISSUE, *words.STREAM_CAUSES.values()]
    return [text for pair in pairs for text in (pair.reason, pair.remedy)]


def test_every_cause_is_used_and_has_words():
    assert of_streams() | of_records() == set(CAUSES.values())
    assert set(words.ISSUES) | set(words.STREAM_CAUSES) == set(CAUSES.values()) - REVIEWS


def test_every_cause_of_a_record_has_its_words():
    assert of_records() - REVIEWS == set(words.ISSUES)


def test_every_cause_of_a_stream_has_its_words():
    assert of_streams() == set(words.STREAM_CAUSES)


def test_the_command_line_has_words_for_every_cause_of_a_stream():
    assert set(REASONS) - {"paused"} == of_streams()


def test_causes_fit_their_columns_and_are_distinct():
    assert len(set(CAUSES.values())) == len(CAUSES)
    for column in (Issue.__table__.c.cause, StreamState.__table__.c.cause):
        assert max(map(len, CAUSES.values())) <= column.type.length


def test_causes_are_named_by_their_constant():
    """A word typed by hand would get no sentence when the list changes."""
    spelled = set(CAUSES.values())
    for module, path in modules().items():
        if not within(module, "jobs.sync", "jobs.tasks") or module == "jobs.sync.causes":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
                "stop",
                "wait",
                "open_issue",
            ):
                literal = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                assert not literal & spelled, f"{module}:{node.lineno}"


@pytest.mark.parametrize("text", texts())
def test_the_words_are_plain(text):
    assert not JARGON.search(text)
    assert text.rstrip().endswith(".")


def test_an_unknown_cause_still_says_something():
    assert words.issue_words("never_heard_of", "").remedy
    assert words.stream_words("never_heard_of") is not None
    assert words.stream_words(None) is None


def test_the_field_is_named():
    assert "“phone”" in words.issue_words("field_refused", "phone").reason
    assert "{field}" not in words.issue_words("field_refused", "").reason


def test_every_stream_has_a_name():
    streams = {item.name.removeprefix("sync_") for item in fields(AccountSettings) if item.name.startswith("sync_")}
    assert set(words.STREAMS) == streams


def test_templates_are_plain():
    for path in sorted((ROOT / "webapp" / "templates").rglob("*.html")):
        text = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]+>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not JARGON.search(text), f"{path.name}: {JARGON.search(text)}"
