"""A stock Odoo, `odoo --test-tags /lead_invoicing`, loads each of an addon's tests and
leaves none out silently."""

import json
import subprocess

import pytest

from dev.environment.provision import ROOT, Environment

ADDONS = [addon.name for addon in Environment().addons()]
# What `test-requirements.txt` of the checkout names.
OPTIONAL = ("aiosmtpd", "hypothesis")

WHEN = ("at_install", "post_install")

# As Odoo does it, and what each class has: printed as JSON.
LOAD = """
import inspect, json, sys
from unittest import TestCase

addon, *hidden = sys.argv[1:]
sys.modules.update(dict.fromkeys(hidden))  # importing them fails

from odoo.tools import config

config.parse_config([])

from odoo.tests.loader import get_module_test_cases, get_test_modules

modules = get_test_modules(addon)
loaded = {}
for case in (case for module in modules for case in get_module_test_cases(module)):
    method = getattr(case, case._testMethodName)
    skipped = getattr(method, "__unittest_skip__", False) or case.__unittest_skip__
    loaded[f"{type(case).__name__}.{case._testMethodName}"] = {
        "reason": skipped and (
            getattr(method, "__unittest_skip_why__", "") or case.__unittest_skip_why__
        ),
        "tags": sorted(case.test_tags & {"standard", "at_install", "post_install"}),
    }
written = [
    f"{cls.__name__}.{name}"
    for module in modules
    for cls in vars(module).values()
    if inspect.isclass(cls) and issubclass(cls, TestCase)
    and cls.__module__ == module.__name__
    for name, _method in inspect.getmembers(cls, callable)
    if name.startswith("test")
]
files = [module.__file__ for module in modules]
print(json.dumps({"loaded": loaded, "written": written, "files": files}))
"""


def load(addon, *hidden):
    environment = Environment()
    command = [environment.python, "-c", LOAD, addon, *hidden]
    result = subprocess.run(
        command, env=environment.variables(), capture_output=True, text=True, cwd="/"
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(
    scope="module",
    # Each loads an Odoo twice.
    params=[
        ADDONS[0],
        *(pytest.param(addon, marks=pytest.mark.long) for addon in ADDONS[1:]),
    ],
)
def addon(request):
    return request.param


@pytest.fixture(scope="module")
def everything(addon):
    return load(addon)


def test_every_file_of_tests_is_loaded(addon, everything):
    files = {str(file) for file in (ROOT / addon / "tests").glob("test_*.py")}
    assert set(everything["files"]) == files


def test_every_test_of_a_class_is_loaded_inherited_ones_too(everything):
    """Odoo leaves out what is inherited, without `allow_inherited_tests_method`."""
    assert set(everything["written"]) == set(everything["loaded"])


def test_every_test_runs_once(everything):
    wrong = {
        name: test["tags"]
        for name, test in everything["loaded"].items()
        if test["tags"]
        not in (["at_install", "standard"], ["post_install", "standard"])
    }
    assert not wrong


def test_what_needs_a_package_is_skipped_where_it_is_missing(addon, everything):
    without = load(addon, *OPTIONAL)["loaded"]
    assert set(without) == set(everything["loaded"])
    skipped = {
        name: test["reason"]
        for name, test in without.items()
        if test["reason"] != everything["loaded"][name]["reason"]
    }
    reasons = {f"{package} is not installed" for package in OPTIONAL}
    if addon == "lead_invoicing":
        assert set(skipped.values()) == reasons
    assert set(skipped.values()) <= reasons
    assert len(skipped) < len(without) / 5


def test_the_packages_are_named_for_who_runs_such_an_odoo():
    lines = (ROOT / "test-requirements.txt").read_text().splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert named == list(OPTIONAL)
