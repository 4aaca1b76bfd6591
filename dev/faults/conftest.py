"""One company a session, a copy of it for each test; the seed is told and repeated."""

import contextlib
import os
import random

import pytest

from dev.environment.shell import Failure
from dev.faults import world as worlds

LONG = os.environ.get("LEAD_INVOICING_FAULTS") == "long"
SEED = int(os.environ.get("LEAD_INVOICING_SEED") or random.randrange(10**6))
FIGURES = "figures"


def pytest_report_header():
    length = "long" if LONG else "short"
    return f"faults: {length}, --seed {SEED} repeats them"


def pytest_terminal_summary(terminalreporter):
    """Tell of each test how often it broke something, and what was at stake."""
    # A report also comes from another process, where the tests are shared out.
    told = [
        (report.nodeid.split("::")[-1], dict(report.user_properties)[FIGURES])
        for report in terminalreporter.getreports("")
        if report.when == "teardown" and FIGURES in dict(report.user_properties)
    ]
    if told:
        terminalreporter.section("what was broken")
    for name, figures in told:
        line = ", ".join(f"{what}: {count:,}" for what, count in figures.items())
        terminalreporter.line(f"{name} – {line}")


@pytest.fixture(scope="session")
def company():
    with worlds.make_environment() as environment:
        buyers, weeks = (30, 4) if LONG else (7, 3)
        instance, keys = worlds.make_template(environment, buyers, weeks)
        yield environment, instance.database, keys
        instance.drop()
        instance.forget()


@pytest.fixture
def world(company, request):
    environment, template, keys = company
    one = worlds.World(environment, template, keys, SEED)
    yield one
    with contextlib.suppress(Failure):
        request.node.user_properties.append((FIGURES, one.get_figures()))
    one.close()


@pytest.fixture
def times():
    """How often a fault is made: (in the short form, in the long one)."""
    return lambda short, long: long if LONG else short
