"""The addons' tests in a database of their own, or Odoo's with the addons installed."""

import argparse
import ast
import contextlib
import re
import subprocess
from pathlib import Path

from tools.provision import ROOT, Environment
from tools.shell import Failure, follow, run, say, step

TOOLS_TESTS = ROOT / "tools/tests"
NO_TESTS = 5  # pytest's exit status when it found none


def main(arguments):
    """Run the tests and return pytest's exit status."""
    parser = argparse.ArgumentParser(
        prog="bin/test",
        description="Install the addons into a fresh database and run their tests.",
        epilog="All other arguments are pytest's; without a path, all tests run.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--db", metavar="NAME", help="reuse this database, or make it, and keep it"
    )
    parser.add_argument(
        "--keep-db", action="store_true", help="keep the fresh database afterwards"
    )
    parser.add_argument(
        "--core",
        action="store_true",
        help="run the tests of Odoo's account and portal instead",
    )
    options, pytest_arguments = parser.parse_known_args(arguments)
    env = Environment()
    env.provision()
    env.postgres.start()
    _check_python(env)
    _drop_forgotten_databases(env)
    addons = _installable(env)
    with _database(env, options) as name:
        if options.core:
            return _run_core_tests(env, name, addons)
        _install(env, name, addons)
        return _run_pytest(env, name, addons, pytest_arguments)


def _check_python(env):
    """Refuse a Python of the user's that has no pytest-odoo."""
    if env.python != str(env.venv / "bin/python"):
        command = [env.python, "-c", "import pytest_odoo"]
        failing = f"LEAD_INVOICING_PYTHON, {env.python}, lacks what the tests need"
        run(command, failing, env=env.variables())


@contextlib.contextmanager
def _database(env, options):
    """Give the name of a database; a fresh one is dropped in the end."""
    # Odoo's own tests are made for a database that is installed while they run.
    create = env.postgres.create if options.core else env.create_database
    if options.db:
        if options.db not in env.postgres.databases("%"):
            create(options.db)
        yield options.db
        return
    name = env.new_database_name("kept" if options.keep_db else "test")
    try:
        create(name)
        yield name
    finally:
        if options.keep_db:
            say(f"Kept the database; run again in it with --db {name}")
        else:
            env.drop_database(name)


def _drop_forgotten_databases(env):
    """Drop the databases of test runs that were killed."""
    if env.postgres.private:
        for name in env.postgres.databases(r"test\_%\_%"):
            pid = name.split("_")[1]
            if pid.isdigit() and not Path("/proc", pid).exists():
                env.drop_database(name)


def _install(env, name, addons):
    """Install the addons, or update those that are there, and show all warnings."""
    query = "SELECT name FROM ir_module_module WHERE state = 'installed'"
    there = set(env.postgres.execute(query, name).split())
    fresh = [addon for addon in addons if addon not in there]
    old = [addon for addon in addons if addon in there]
    command = ["-d", name, "--stop-after-init", "--no-http", "--log-level=warn"]
    command += ["-i", ",".join(fresh)] if fresh else []
    command += ["-u", ",".join(old)] if old else []
    with step(f"Installing {', '.join(addons)}"):
        process = env.run_odoo(
            *command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    problems = _without_known_noise(process.stdout)
    say(problems, end="")
    there = set(env.postgres.execute(query, name).split())
    if process.returncode or re.search(r" (ERROR|CRITICAL) ", problems):
        raise Failure("The addons could not be installed; Odoo said why above.")
    if missing := set(addons) - there:
        raise Failure(f"Odoo did not install {', '.join(sorted(missing))}.")


def _installable(env):
    """Return the names of the addons whose dependencies are all here."""
    manifests = {
        addon.name: ast.literal_eval((addon / "__manifest__.py").read_text())
        for addon in env.addons()
    }

    def is_there(name):
        if name in manifests:
            manifest = manifests[name]
            return manifest.get("installable", True) and all(
                is_there(needed) for needed in manifest.get("depends", [])
            )
        return any((path / name).is_dir() for path in _odoo_addons(env))

    names = [name for name in manifests if is_there(name)]
    for name in sorted(set(manifests) - set(names)):
        say(f"Left out {name}: an addon that it depends on is not here.")
    if not names:
        raise Failure("There is no addon to test in this checkout.")
    return names


def _odoo_addons(env):
    return [*env.odoo.addons, env.odoo.root / "odoo/addons"]


def _without_known_noise(output):
    """Drop what Odoo says of this machine rather than of the addons."""
    noise = ("Running as user 'root'",)
    lines = output.splitlines(keepends=True)
    return "".join(line for line in lines if not any(text in line for text in noise))


def _run_pytest(env, name, addons, arguments):
    """Run pytest-odoo; pytest's closing line is the last thing printed."""
    if not any(_is_path(argument) for argument in arguments):
        arguments = [*arguments, *(ROOT / addon for addon in addons), TOOLS_TESTS]
    status = follow(
        [
            *(env.python, "-m", "pytest"),
            *("--rootdir", ROOT, "-c", ROOT / "pyproject.toml"),
            *("-o", f"cache_dir={env.cache}/pytest/{env.checkout}"),
            *("--odoo-config", env.write_config(), "--odoo-database", name),
            *("--odoo-http", *arguments),
        ],
        env=env.variables(),
    )
    if status == NO_TESTS:
        say("No test was run, which is not a success.")
    return status


def _is_path(argument):
    return not argument.startswith("-") and Path(argument.split("::")[0]).exists()


def _run_core_tests(env, name, addons):
    """Install all, run the tests of account and portal and print a summary."""
    log = env.cache / "log" / f"core-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = ["-d", name, "-i", ",".join(["account", "portal", *addons])]
    command += ["--test-tags", "/account,/portal", "--stop-after-init"]
    command += ["--http-port", env.free_port()]
    say(f"Odoo's own tests, a quarter of an hour or more; the whole log is {log}")
    with step("account and portal"), log.open("w") as file:
        status = follow(
            env.odoo_command(*command),
            env=env.variables(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    return _summarize(log.read_text(errors="replace"), status)


def _summarize(log, status):
    """Print the tests that failed and the totals, as pytest does."""
    for line in re.findall(r"(?:FAIL|ERROR): (?:\w+\.\w+|setUpClass).*", log):
        print(line)
    results = re.findall(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests", log)
    failed, errors, total = map(int, results[-1]) if results else (0, 0, 0)
    bad = failed + errors
    print(f"core: {total - bad} passed, {bad} failed")
    return status or int(bad > 0 or not total)
