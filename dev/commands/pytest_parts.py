"""What `bin/test` needs of pytest besides pytest-odoo (a plugin that it loads)."""

import contextlib
import functools
import json
import os
import shutil
from collections import Counter
from pathlib import Path

CLOCK = "clock"
# Of classes (as Odoo tags them) and of functions (as pytest marks them): what takes
# long beside what it adds to the others.
LONG = "long"
COUNTED = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "skipped": "skipped",
}
# How long (seconds) an answer of the server, a tour, and an answer of the browser may
# take: on a busy machine more than the 12, 60 and 10 that Odoo has.
PATIENCE = {
    "HttpCase": {"url_open": 60, "start_tour": 180},
    "ChromeBrowser": {"_websocket_request": 60},
}


def pytest_addoption(parser):
    parser.addoption(
        "--knowing-a-clock",
        action="store_true",
        help=f"run the tests of classes that are tagged with “{CLOCK}” only",
    )
    parser.addoption(
        "--short",
        action="store_true",
        help=f"leave out what is tagged or marked with “{LONG}”",
    )
    parser.addoption(
        "--of-each-class",
        type=int,
        metavar="N",
        help="run the first of each class's tests, and every Nth after it, only",
    )
    parser.addoption(
        "--counts", help="a file that gets the numbers of results, as JSON"
    )


def pytest_configure(config):
    """Give each worker a filestore of its own beside its database, and its tests
    patience; freeze time faster."""
    config.addinivalue_line("markers", f"{LONG}: left out by --short")
    pytest_odoo = config.pluginmanager.get_plugin("odoo")
    if not pytest_odoo:
        # Faults have Odoo as a process of its own.
        return
    # Its own lets workers share one. After each class, Odoo removes the files that the
    # worker's database does not know: those of the page that another one just tests.
    assert pytest_odoo._shared_filestore
    pytest_odoo._shared_filestore = _own_filestore
    import freezegun.api

    from odoo.tests import common

    # Each time it freezes, freezegun looks whether any of thousands of modules has got
    # other names meanwhile, which took a tenth of the tests' time. None has.
    freezegun.api._get_module_attributes_hash = _identify_module
    for class_name, methods in PATIENCE.items():
        patient = getattr(common, class_name)
        for name, seconds in methods.items():
            method = getattr(patient, name)
            setattr(patient, name, functools.partialmethod(method, timeout=seconds))


def _identify_module(module):
    return str(id(module))


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
    """Leave out, if asked to, what has nothing to do with the clock, what takes long,
    and much of each class."""
    chosen = items
    if config.getoption("--knowing-a-clock"):
        chosen = [item for item in chosen if CLOCK in _get_tags(item)]
    if config.getoption("--short"):
        chosen = [item for item in chosen if LONG not in _get_tags(item)]
    if step := config.getoption("--of-each-class"):
        places = Counter()
        chosen, asked = [], chosen
        for item in asked:
            if places[item.parent] % step == 0:
                chosen.append(item)
            places[item.parent] += 1
    kept = set(chosen)
    others = [item for item in items if item not in kept]
    items[:] = chosen
    config.hook.pytest_deselected(items=others)


def _get_tags(item):
    tags = getattr(getattr(item, "cls", None), "test_tags", ())
    return {*tags, *(mark.name for mark in item.iter_markers())}


def pytest_terminal_summary(terminalreporter, config):
    """Write down what the closing line will say."""
    if path := config.getoption("--counts"):
        counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
        for outcome, kind in COUNTED.items():
            counts[kind] += len(terminalreporter.stats.get(outcome, ()))
        Path(path).write_text(json.dumps(counts))
