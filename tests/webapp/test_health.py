"""Liveness, readiness with each part away in turn, and the numbers for monitoring."""

import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask_migrate import downgrade
from prometheus_client.parser import text_string_to_metric_families

from jobs.queues import LOW, PUSH, enqueue_once
from tests.support.engines import settings_for
from tests.webapp.store import twins
from webapp import create_app
from webapp.extensions import db

TOKEN = "the-operator-token"
OPERATOR = {"Authorization": f"Bearer {TOKEN}"}


@contextmanager
def running(settings):
    """The application, whatever is away."""
    app = create_app(settings)
    with app.app_context():
        yield app.test_client()
        db.session.remove()
        db.engine.dispose()
    connection = app.extensions.pop("redis", None)
    if connection is not None:
        connection.close()


@contextmanager
def silent_port():
    """Something that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound, not listening: nobody else takes it
        yield holder.getsockname()[1]


@pytest.fixture
def settings(settings):
    return replace(settings, operator_token=TOKEN)


def test_ready_when_all_is_there(client, engine):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ready", "database": "ok", "redis": "ok", "schema": "ok"}


def test_alive_whatever_is_away(settings, closed_port):
    away = replace(
        settings,
        database_url=f"postgresql+psycopg://u:p@127.0.0.1:{closed_port}/none",
        redis_url=f"redis://127.0.0.1:{closed_port}",
    )
    with running(away) as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "up"})


def test_the_database_is_away(settings, closed_port):
    away = replace(settings, database_url=f"postgresql+psycopg://user:secret@127.0.0.1:{closed_port}/none")
    with running(away) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "not ready", "database": "unreachable", "redis": "ok", "schema": "unknown"}
    assert "secret" not in answer.text


def test_the_database_file_cannot_be_opened(settings, tmp_path):
    (tmp_path / "folder.db").mkdir()
    with running(replace(settings, database_url=f"sqlite:///{tmp_path}/folder.db")) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json["database"], answer.json["schema"]) == (503, "unreachable", "unknown")


def test_redis_is_away(settings, closed_port):
    with running(replace(settings, redis_url=f"redis://127.0.0.1:{closed_port}")) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "not ready", "database": "ok", "redis": "unreachable", "schema": "ok"}


def test_the_embedded_queue_server_cannot_start(settings, tmp_path):
    (tmp_path / "file").touch()
    with running(replace(settings, redis_url=None, var_dir=str(tmp_path / "file" / "var"))) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json["redis"], answer.json["database"]) == (503, "unreachable", "ok")


@pytest.mark.parametrize("part", ["database", "redis"])
def test_a_part_that_never_answers_does_not_hold_up_the_answer(settings, part):
    """Whoever asks gives up after some seconds, and a web process must not be held by every try."""
    with silent_port() as port:
        silent = {
            "database": replace(settings, database_url=f"postgresql+psycopg://u:p@127.0.0.1:{port}/none"),
            "redis": replace(settings, redis_url=f"redis://127.0.0.1:{port}"),
        }[part]
        with running(silent) as client:
            began = time.monotonic()
            answer = client.get("/readyz")
            took = time.monotonic() - began
    assert (answer.status_code, answer.json[part]) == (503, "unreachable")
    assert took < 9


def test_an_empty_database(engines, engine, settings):
    with engines.empty(engine) as url, running(replace(settings, database_url=url)) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["database"] == "ok" and answer.json["schema"] == "run: flask --app wsgi db upgrade"


def test_a_schema_that_is_behind(app, client, engine):
    downgrade(revision="-1")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert (answer.json["database"], answer.json["schema"]) == ("ok", "run: flask --app wsgi db upgrade")


def test_a_schema_that_is_ahead(app, client):
    """The database was upgraded by a newer version: an upgrade by this one would change nothing."""
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    db.session.commit()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["schema"]) == (503, "newer than this version of the service")


def test_a_part_that_comes_back_is_seen(app, client, settings, closed_port):
    from webapp.extensions import get_redis

    away = get_redis()
    app.extensions["redis"] = away.from_url(f"redis://127.0.0.1:{closed_port}")
    assert client.get("/readyz").status_code == 503
    app.extensions["redis"] = away
    assert client.get("/readyz").status_code == 200


def test_metrics_are_closed_without_the_token(client):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        answer = client.get("/metrics", headers=headers)
        assert answer.status_code == 401 and "crmconnect_" not in answer.text


def test_metrics_count_over_all_accounts_and_name_none(app, client, engine):
    for hub_id in (twins.OURS, twins.THEIRS):
        twins.seed(hub_id)
    db.session.commit()
    enqueue_once(PUSH, "jobs.tasks.connect.start_streams", twins.OURS, job_id="start-1")
    enqueue_once(LOW, "jobs.tasks.housekeeping.housekeeping", job_id="tick")
    answer = client.get("/metrics", headers=OPERATOR)
    assert answer.status_code == 200 and answer.content_type.startswith("text/plain")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["crmconnect_accounts", "active"] == 2
    assert found["crmconnect_issues_open", "refused"] == 4
    assert found["crmconnect_streams", "running"] == 2
    assert found["crmconnect_work_items", "patient"] == 2
    assert found["crmconnect_reviews_open", "shared_email"] == 2
    assert found["crmconnect_queue_jobs", PUSH] == 1 and found["crmconnect_queue_jobs", LOW] == 1
    for hidden in (twins.OURS, twins.THEIRS, "Planted", "Zoë", "501", "77", "Clinic"):
        assert f'"{hidden}"' not in answer.text and str(twins.OURS) not in answer.text


def test_metrics_without_anything(client):
    answer = client.get("/metrics", headers=OPERATOR)
    assert answer.status_code == 200 and "# TYPE crmconnect_accounts gauge" in answer.text


def test_metrics_while_redis_is_away(settings, closed_port):
    with running(replace(settings, redis_url=f"redis://127.0.0.1:{closed_port}")) as client:
        answer = client.get("/metrics", headers=OPERATOR)
    assert answer.status_code == 200 and "crmconnect_queue_jobs{" not in answer.text


def test_metrics_while_the_database_is_away(settings, closed_port):
    away = replace(settings, database_url=f"postgresql+psycopg://user:secret@127.0.0.1:{closed_port}/none")
    with running(away) as client:
        answer = client.get("/metrics", headers=OPERATOR)
    assert answer.status_code == 500 and answer.json["error"]["reference"]
    assert "secret" not in answer.text and "psycopg" not in answer.text


def test_a_folder_that_is_missing_is_made(tmp_path):
    url = f"sqlite:///{tmp_path}/deep/er/clinic.db"
    with running(settings_for(url, "redis://127.0.0.1:1", tmp_path)) as client:
        assert client.get("/readyz").json["database"] == "ok"
    assert Path(f"{tmp_path}/deep/er").is_dir()
