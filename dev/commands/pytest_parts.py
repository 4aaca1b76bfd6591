"""What `bin/test` needs of pytest besides pytest-odoo (a plugin that it loads)."""

import contextlib
import json
import os
import shutil
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


def pytest_configure(config):
    """Give each worker a filestore of its own beside its database."""
    pytest_odoo = config.pluginmanager.get_plugin("odoo")
    if not pytest_odoo:
        # Faults have Odoo as a process of its own.
        return
    # Its own lets workers share one. After each class, Odoo removes the files that the
    # worker's database does not know: those of the page that another one just tests.
    assert pytest_odoo._shared_filestore
    pytest_odoo._shared_filestore = _own_filestore


@contextlib.contextmanager
def _own_filestore(original_database, database):
    from odoo.tools import config

    files = Path(config["data_dir"], "filestore")
    if original_database == database:
        yield
        return
    with contextlib.suppress(FileNotFoundError):
        # Odoo never writes into a file that is there.
        shutil.copytree(
            files / original_database, files / database, copy_function=os.link
        )
    try:
        yield
    finally:
        shutil.rmtree(files / database, ignore_errors=True)


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
