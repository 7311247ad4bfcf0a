"""The HubSpot app: everything its own tools check, and that it speaks of the same things as the service."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from jobs.mapping.catalogue_contacts import CONTACT_PROPERTIES, PATIENT_PROPERTIES
from jobs.mapping.catalogue_types import SyncStatus
from tests.support.node import APP, Node, NodeMissing, find_node
from webapp.clients.hubspot.oauth import SCOPES

ROOT = APP.parent
VECTORS = json.loads((ROOT / "tests" / "vectors" / "card_requests.json").read_text())
LOCKS = sorted(path for path in APP.rglob("package-lock.json") if "node_modules" not in path.parts)


def config(name: str) -> dict:
    return json.loads((APP / "src" / "app" / name).read_text())["config"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_types_lint_format_parser_checks_bundles_and_card_tests(node: Node):
    run = subprocess.run(
        [node.node, "tools/all.mjs"], cwd=APP, env=node.environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    assert run.stdout.count("✓") == 7


def test_the_app_asks_for_exactly_the_scopes_that_we_use():
    auth = config("app-hsmeta.json")["auth"]
    assert tuple(auth["requiredScopes"]) == SCOPES
    assert auth["optionalScopes"] == auth["conditionallyRequiredScopes"] == []


def test_the_app_hears_of_every_switch_that_people_set():
    subscriptions = config("webhooks/webhooks-hsmeta.json")["subscriptions"]
    named = {one["propertyName"] for one in subscriptions["crmObjects"] if "propertyName" in one}
    ours = {one.name for one in (*PATIENT_PROPERTIES, *CONTACT_PROPERTIES)}
    assert {name for name in named if "cliniko" in name} == {
        name for name in ours if name.startswith(("update_", "unlink_"))
    }
    kinds = {(one["subscriptionType"], one["objectType"]) for one in subscriptions["crmObjects"]}
    assert {("object.deletion", "contact"), ("object.merge", "contact"), ("object.restore", "contact")} <= kinds
    assert ("object.deletion", "deal") in kinds
    assert subscriptions["hubEvents"] == [{"subscriptionType": "contact.privacyDeletion", "active": True}]
    assert all(one["active"] for one in subscriptions["crmObjects"])


def test_the_card_knows_every_value_of_the_sync_status():
    source = (APP / "src" / "app" / "cards" / "utils" / "decode.ts").read_text()
    listed = re.search(r"SYNC_STATUSES[^=]*= \[(.*?)\]", source, re.DOTALL)
    assert listed
    assert re.findall(r"'([^']+)'", listed[1]) == [str(status) for status in SyncStatus]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.parent.relative_to(APP)))
def test_lock_files_hold_no_download_address(lock: Path):
    packages = json.loads(lock.read_text())["packages"]
    assert len(packages) > 5
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert ".tgz" not in lock.read_text()


def test_there_is_a_lock_file_for_the_tools_and_for_each_folder_that_hubspot_builds():
    assert [str(path.parent.relative_to(APP)) for path in LOCKS] == [".", "src/app/cards", "src/app/settings"]


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda one: one["name"])
def test_the_shared_vectors_are_signed_as_hubspot_signs(vector: dict):
    head, mark, query = vector["wireUrl"].partition("?")
    for code in ("%3A", "%2F", "%3F", "%40", "%21", "%24", "%27", "%28", "%29", "%2A", "%2C", "%3B"):
        query = query.replace(code, unquote(code))
    assert head + mark + query == vector["signedUri"]
    message = f"{vector['method']}{vector['signedUri']}{vector['body']}{vector['timestamp']}".encode()
    digest = hmac.new(VECTORS["secret"].encode(), message, hashlib.sha256).digest()
    assert base64.b64encode(digest).decode() == vector["signature"]
    assert head == vector["url"]
    assert vector["body"] == "" or "idempotencyKey" in json.loads(vector["body"])


def test_without_node_one_line_says_what_to_do(tmp_path: Path):
    with pytest.raises(NodeMissing, match="Node 20 or newer") as caught:
        find_node(path=str(tmp_path), package="no_such_package")
    assert "\n" not in str(caught.value)


def test_an_old_node_is_not_taken(tmp_path: Path):
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.19.0\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(NodeMissing):
        find_node(path=str(tmp_path), package="no_such_package")
