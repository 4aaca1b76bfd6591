"""The workflows run what people run: all checks, and the tests in the Odoo of this
series."""

import pytest

from dev.commands.test import TESTED_WITH
from dev.environment.odoo import SERIES
from dev.environment.provision import ROOT, Environment

try:
    import yaml
except ImportError:  # Python 3.13
    import yaml_ft as yaml


def read(name):
    return yaml.safe_load((ROOT / ".github/workflows" / name).read_text())


def get_commands(workflow):
    (job,) = workflow["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def test_all_checks_are_run_with_the_history_that_they_need():
    workflow = read("checks.yml")
    assert get_commands(workflow)[-1] == ".ci/run"
    (checkout,) = (
        step
        for step in workflow["jobs"]["checks"]["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    )
    # The update from the version before is skipped in a shallow clone.
    assert checkout["with"]["fetch-depth"] == 0


def test_a_stock_odoo_of_this_series_runs_the_tests():
    workflow = read("stock-odoo.yml")
    # YAML reads the key “on” as true.
    image = workflow[True]["workflow_dispatch"]["inputs"]["image"]
    assert image["default"] == f"odoo:{SERIES}"
    install, test = get_commands(workflow)
    assert "-r test-requirements.txt" in install
    addons = [addon.name for addon in Environment().addons() if "lead" in addon.name]
    # With what the tests of one need, see `bin/test`.
    needed = [name for addon in addons for name in TESTED_WITH.get(addon, ())]
    assert f"--init {','.join(addons + needed)} " in test
    assert f"--test-tags {','.join(f'/{addon}' for addon in addons)} " in test


@pytest.mark.parametrize("name", ["checks.yml", "stock-odoo.yml"])
def test_a_workflow_may_only_read(name):
    assert read(name)["permissions"] == {"contents": "read"}
