"""What `bin/test` needs of pytest besides pytest-odoo (a plugin that it loads)."""

import json
from pathlib import Path

TAG = "clock"
COUNTED = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "skipped": "skipped",
}


def pytest_addoption(parser):
    parser.addoption(
        "--knowing-a-clock",
        action="store_true",
        help=f"run the tests of classes that are tagged with “{TAG}” only",
    )
    parser.addoption(
        "--counts", help="a file that gets the numbers of results, as JSON"
    )


def pytest_collection_modifyitems(config, items):
    """Leave out what has nothing to do with the clock, if asked to."""
    if config.getoption("--knowing-a-clock"):
        chosen, others = [], []
        for item in items:
            tags = getattr(getattr(item, "cls", None), "test_tags", ())
            (chosen if TAG in tags else others).append(item)
        items[:] = chosen
        config.hook.pytest_deselected(items=others)


def pytest_terminal_summary(terminalreporter, config):
    """Write down what the closing line will say."""
    if path := config.getoption("--counts"):
        counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
        for outcome, kind in COUNTED.items():
            counts[kind] += len(terminalreporter.stats.get(outcome, ()))
        Path(path).write_text(json.dumps(counts))
