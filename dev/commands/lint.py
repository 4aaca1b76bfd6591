"""Form and style of all code: ruff, pylint-odoo, the OCA checks, XML indentation.

`.pre-commit-config.yaml` has the same checks, for who works with pre-commit.
"""

import argparse
import os
import subprocess

from dev.commands import indent
from dev.environment.provision import ROOT, Environment
from dev.environment.shell import say


def main(arguments):
    """Run all checks, or put right what can be; return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="bin/lint", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="put right what can be")
    fix = parser.parse_args(arguments).fix
    env = Environment()
    env.provision(lint_only=True)
    failed = [name for name, command in _programs(env, fix) if _fails(env, command)]
    if indent.check(_xml_files(env), fix):
        failed.append("XML indentation")
    if failed:
        say(f"bin/lint: findings of {', '.join(failed)}.")
        return 1
    print("lint: no findings")
    return 0


def _programs(env, fix):
    """Yield name and command of each check that there is something for."""
    yield "ruff check", ["ruff", "check", "--quiet", *(["--fix"] if fix else []), "."]
    how = [] if fix else ["--check"]
    yield "ruff format", ["ruff", "format", "--quiet", *how, "."]
    addons = [addon.name for addon in env.addons()]
    if addons:
        yield "pylint-odoo", ["pylint", "--score=n", "--jobs=2", *addons]
        # What it would put right with git is for people to do.
        oca_fix = ["--fix", "--disable=prefer-readme-rst"] if fix else []
        command = ["oca-checks-odoo-module", *oca_fix, *addons]
        yield "oca-checks-odoo-module", command
    translations = [
        str(file.relative_to(ROOT))
        for addon in env.addons()
        for file in sorted(addon.glob("i18n/*.po*"))
    ]
    if translations:
        yield "oca-checks-po", ["oca-checks-po", *translations]


def _xml_files(env):
    return [file for addon in env.addons() for file in sorted(addon.rglob("*.xml"))]


def _fails(env, command):
    programs = env.venv / "bin"
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    variables = {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore"}
    variables["RUFF_CACHE_DIR"] = str(env.cache / "ruff")
    command = [str(programs / command[0]), *command[1:]]
    return subprocess.run(command, cwd=ROOT, env=variables).returncode != 0
