"""The HubSpot app's own tools, run from here."""

import pytest

from tests.support.node import Node, NodeMissing, find_node, install_tools


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes half a minute or more; leave out with -m 'not slow'")


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the tools of hubspot_app/ installed."""
    try:
        found = find_node()
        install_tools(found)
    except NodeMissing as error:
        pytest.fail(str(error), pytrace=False)
    return found
