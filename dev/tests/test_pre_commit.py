"""pre-commit checks what `bin/lint` checks, with the same versions."""

import re
import shlex

import pytest

from dev.commands.lint import _programs, _xml_files
from dev.environment.provision import REQUIREMENTS, ROOT, Environment

try:
    import yaml
except ImportError:  # Python 3.13
    import yaml_ft as yaml


@pytest.fixture(scope="module")
def hooks():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    return {hook["name"]: hook for repo in config["repos"] for hook in repo["hooks"]}


def test_each_check_is_a_hook(hooks):
    environment = Environment()
    programs = dict(_programs(environment, fix=False))
    files = [str(file.relative_to(ROOT)) for file in _xml_files(environment)]
    programs["XML indentation"] = ["dev/start", "indent", *files]
    assert set(hooks) == set(programs)
    for name, command in programs.items():
        words = shlex.split(hooks[name]["entry"])
        assert command[: len(words)] == words, name
        files = command[len(words) :]
        assert bool(files) == hooks[name].get("pass_filenames", True), name
        assert all(re.search(hooks[name]["files"], file) for file in files), name


def test_versions_are_those_of_bin_lint(hooks):
    pins = re.findall(
        r"^[\w-]+==[^ ]+", (REQUIREMENTS / "odoo.txt").read_text(), re.MULTILINE
    )
    wanted = {
        package
        for hook in hooks.values()
        for package in hook.get("additional_dependencies", [])
    }
    assert wanted <= set(pins)
    lint = (REQUIREMENTS / "odoo.in").read_text().split("# Lint\n")[1].split()
    assert {package.split("==")[0] for package in wanted} == set(lint)
