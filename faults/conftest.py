"""One company a session, a copy of it for each test; the seed is told and repeated."""

import os
import random

import pytest

from . import world as worlds

LONG = os.environ.get("LEAD_INVOICING_FAULTS") == "long"
SEED = int(os.environ.get("LEAD_INVOICING_SEED") or random.randrange(10**6))


def pytest_report_header():
    length = "long" if LONG else "short"
    return f"faults: {length}, LEAD_INVOICING_SEED={SEED} repeats them"


@pytest.fixture(scope="session")
def company():
    environment = worlds.make_environment()
    instance, keys = worlds.make_template(environment, 30 if LONG else 12, 4)
    yield environment, instance.database, keys
    instance.drop()
    instance.forget()
    environment.postgres.stop()


@pytest.fixture
def world(company):
    environment, template, keys = company
    one = worlds.World(environment, template, keys, SEED)
    yield one
    one.close()


@pytest.fixture
def times():
    """How often a fault is made: (in the short form, in the long one)."""
    return lambda short, long: long if LONG else short
