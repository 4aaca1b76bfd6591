"""The addons' tests in a database of their own, or Odoo's with the addons installed."""

import argparse
import ast
import contextlib
import json
import os
import random
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

from dev.environment import clock
from dev.environment.provision import ROOT, Environment
from dev.environment.shell import Failure, follow, is_running, run, say, step

TOOLS_TESTS = ROOT / "dev/tests"
FAULTS = ROOT / "dev/faults"
LIVES = [
    ROOT / "lead_invoicing/tests/test_lives.py",
    ROOT / "lead_invoicing_return/tests/test_request_lives.py",
]
# Random lives in `--faults`: so many, of so many steps.
LIVES_COUNT, LIVES_STEPS = 20, 1000
# Of examples and faults that each change is asked: what is said of it must not depend
# on chance.
CHECKED_SEED = 7
# Of the tests of a class that know a clock, one in so many: each change is asked at one
# more moment, within the time that such a check may take.
CHECKED_STEP = 12
# More processes than this wait for the disk.
MAX_WORKERS = 4
NO_TESTS = 5  # pytest's exit status when it found none
KINDS = ("passed", "failed", "skipped")
# What tests of an addon need beside what it depends on.
TESTED_WITH = {"lead_invoicing_payment": ["payment_demo"]}


def main(arguments):
    """Run the tests, in as many parts as are asked for; return 1 if any failed."""
    parser = argparse.ArgumentParser(
        prog="bin/test",
        description="Install the addons into a fresh database and run their tests;"
        " then those that know a clock again, at a moment of the years to come.",
        epilog="All other arguments are pytest's; with a path or -k, they run once.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--db", metavar="NAME", help="reuse this database, or make it, and keep it"
    )
    parser.add_argument(
        "--keep-db", action="store_true", help="keep the fresh database afterwards"
    )
    parser.add_argument(
        "--at",
        metavar="MOMENT",
        help="run only the tests that know a clock, as of this moment (ISO 8601, UTC;"
        " TZ is the zone of the machine)",
    )
    parser.add_argument(
        "--clocks",
        action="store_true",
        help="run only the tests that know a clock, at each of some special moments",
    )
    parser.add_argument(
        "--faults",
        nargs="?",
        const="long",
        choices=("short", "long"),
        help="break what can break around real servers instead; long (an hour or more),"
        " with random lives, unless short is asked for",
    )
    parser.add_argument(
        "--ci",
        action="store_true",
        help="what is asked of each change: the tests but those that take long, some of"
        " those that know a clock again at a fixed moment, and the short faults with a"
        " fixed seed",
    )
    parser.add_argument("--seed", type=int, help="repeat the faults of an earlier run")
    parser.add_argument(
        "--core",
        action="store_true",
        help="run the tests of Odoo's account and portal instead",
    )
    options, pytest_arguments = parser.parse_known_args(arguments)
    if options.ci:
        pytest_arguments += ["--short", f"--hypothesis-seed={CHECKED_SEED}"]
    moments = _choose_moments(options, pytest_arguments)
    env = Environment()
    env.provision()
    env.postgres.start()
    _check_python(env)
    _drop_forgotten_databases(env)
    addons = _installable(env)
    results = Results()
    if not (options.faults or options.at or options.clocks):
        with _database(env, options) as name:
            if options.core:
                return _run_core_tests(env, name, addons)
            _install(env, name, addons)
            if not any(map(_chooses, pytest_arguments)):
                _make_assets(env, name)
            results.add("tests", _run_pytest(env, name, addons, pytest_arguments))
    clock_arguments = pytest_arguments
    if options.ci:
        clock_arguments = [*clock_arguments, f"--of-each-class={CHECKED_STEP}"]
    for moment in moments:
        results.add(moment, _run_at(env, moment, addons, clock_arguments))
    if options.faults:
        _break_things(env, options, addons, pytest_arguments, results)
    if options.ci:
        results.add("faults", _run_faults(env, "short", CHECKED_SEED, []))
    return results.tell()


class Results:
    """What came of the parts of a run."""

    def __init__(self):
        self.begun = time.monotonic()
        self.parts = []

    def add(self, title, result):
        """Note a part: pytest's exit status and its counts, None if it was left out."""
        self.parts.append((title, *result))

    def tell(self):
        """Print a line for each part, and one of them all, as pytest closes; return the
        exit status."""
        if len(self.parts) > 1:
            print()
            for title, status, counts in self.parts:
                mark = "" if not status else f" (pytest ended with {status})"
                print(f"{title} – {_describe(counts)}{mark}")
            total = sum((Counter(counts) for _, _, counts in self.parts), Counter())
            seconds = time.monotonic() - self.begun
            print(f"{f' {_describe(total)} in {seconds:.2f}s ':=^80}", flush=True)
        return next((status for _, status, _ in self.parts if status), 0)


def _describe(counts):
    passed, failed, skipped = (counts.get(kind, 0) for kind in KINDS)
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def _choose_moments(options, pytest_arguments):
    """Return the moments at which the tests that know a clock are to be run."""
    if options.ci:
        return [clock.CHECKED]
    if options.clocks:
        return clock.FIXED
    if options.at:
        return [clock.Moment.parse(options.at)]
    if (
        options.core
        or options.faults
        or any(_chooses(argument) for argument in pytest_arguments)
    ):
        return []
    return [clock.Moment.draw()]


def _chooses(argument):
    """Tell whether an argument of pytest's chooses some of the tests."""
    return _is_path(argument) or argument.startswith(("-k", "--lf", "--ff"))


def _run_at(env, moment, addons, arguments):
    """Install the addons and run the tests that know a clock, as of a moment."""
    if not env.postgres.private:
        say(f"Left out {moment}: the PostgreSQL of PGHOST has a clock of its own.")
        return 0, {}
    say(f"\nThe tests that know a clock, as by {moment}")
    with clock.faked(env, moment) as there:
        name = there.new_database_name("test")
        there.create_database(name)
        try:
            _install(there, name, addons)
            arguments = [*arguments, "--knowing-a-clock"]
            return _run_pytest(there, name, addons, arguments, tools_tests=False)
        finally:
            there.drop_database(name)


def _break_things(env, options, addons, arguments, results):
    """Run the faults; in their long form random lives as well, unless only some of the
    faults are asked for."""
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    say(f"random seed {seed}")
    results.add("faults", _run_faults(env, options.faults, seed, arguments))
    if options.faults == "long" and not any(map(_chooses, arguments)):
        with _database(env, options) as name:
            _install(env, name, addons)
            results.add("lives", _run_lives(env, name, addons, seed))


def _run_faults(env, length, seed, arguments):
    """Break what can break around real servers, in a PostgreSQL of their own."""
    if not env.postgres.private:
        say("Left out: only a PostgreSQL of the project's own is killed; unset PGHOST.")
        return 0, {}
    if not any(_is_path(argument) for argument in arguments):
        arguments = [*arguments, FAULTS]
    arguments = [*arguments, *(["--short"] if length == "short" else [])]
    arguments += _share_out(arguments, by="load")
    variables = env.variables() | {
        "LEAD_INVOICING_FAULTS": length,
        "LEAD_INVOICING_SEED": str(seed),
    }
    return _follow_pytest(env, "faults", variables, ["-p", "no:odoo", *arguments])


def _run_lives(env, name, addons, seed):
    """Let random lives run, longer ones and others than the tests do."""
    variables = {
        "LEAD_INVOICING_LIVES_SEEDS": str(LIVES_COUNT),
        "LEAD_INVOICING_LIVES_STEPS": str(LIVES_STEPS),
        "LEAD_INVOICING_LIVES_FIRST": str(seed),
    }
    return _run_pytest(env, name, addons, LIVES, variables=variables)


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
            if pid.isdigit() and not is_running(pid):
                env.drop_database(name)
        env.remove_forgotten_clusters()


def _install(env, name, addons):
    """Install the addons, or update those that are there, and show all warnings."""
    query = "SELECT name FROM ir_module_module WHERE state = 'installed'"
    there = set(env.postgres.execute(query, name).split())
    needed = [*addons, *(more for a in addons for more in TESTED_WITH.get(a, ()))]
    fresh = [addon for addon in needed if addon not in there]
    old = [addon for addon in addons if addon in there]
    command = ["-d", name, "--stop-after-init", "--no-http", "--log-level=warn"]
    command += ["-i", ",".join(fresh)] if fresh else []
    command += ["-u", ",".join(old)] if old else []
    doing = "Installing" if fresh else "Updating"
    with step(f"{doing} {', '.join(addons)}"):
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


def _make_assets(env, name):
    """Make the scripts and styles of all pages, as Odoo does before its own tests: each
    test in a browser would make its own, and forget them."""
    make = "env['ir.qweb']._pregenerate_assets_bundles()"
    script = f"{make}; env.cr.commit(); print('made')"
    with step("Making scripts and styles"):
        process = env.run_odoo(
            *("shell", "-d", name, "--log-level=warn"),
            input=script,
            stdout=subprocess.PIPE,
            text=True,
        )
    if "made" not in process.stdout:
        raise Failure("The scripts and styles could not be made; Odoo said why above.")


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


def _run_pytest(env, name, addons, arguments, tools_tests=True, variables=None):
    """Run pytest-odoo; return its exit status and its counts."""
    if not any(_is_path(str(argument)) for argument in arguments):
        arguments = [*arguments, *(ROOT / addon for addon in addons)]
        arguments += [TOOLS_TESTS] if tools_tests else []
    arguments = [*arguments, *_share_out(arguments, by="loadscope")]
    variables = env.variables() | (variables or {})
    odoo = ["--odoo-config", env.write_config(), "--odoo-database", name]
    return _follow_pytest(env, name, variables, [*odoo, "--odoo-http", *arguments])


def _share_out(arguments, by):
    """Return pytest's options that share out whole folders among the processors, test
    by test ("load") or class by class; each worker has a database of its own."""
    if any(argument.startswith("-n") for argument in map(str, arguments)):
        return []
    folders = [a for a in arguments if _is_path(str(a)) and Path(a).is_dir()]
    workers = min(len(os.sched_getaffinity(0)), MAX_WORKERS)
    if not folders or workers < 2:
        return []
    return ["-n", str(workers), "--dist", by]


def _follow_pytest(env, name, variables, arguments):
    """Run pytest in the user's sight; return its exit status and its counts."""
    counts = env.cache / "pytest" / f"{name}-{os.getpid()}.json"
    counts.parent.mkdir(exist_ok=True)
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), variables["PYTHONPATH"]])
    status = follow(
        [
            *(env.python, "-m", "pytest"),
            *("--rootdir", ROOT, "-c", ROOT / "pyproject.toml"),
            *("-o", f"cache_dir={env.cache}/pytest/{env.checkout}"),
            *("-p", "dev.commands.pytest_parts", "--counts", counts, *arguments),
        ],
        env=variables,
    )
    if status == NO_TESTS:
        say("No test was run, which is not a success.")
    result = json.loads(counts.read_text()) if counts.exists() else {}
    counts.unlink(missing_ok=True)
    return status, result


def _is_path(argument):
    return not argument.startswith("-") and os.path.exists(argument.split("::")[0])


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
