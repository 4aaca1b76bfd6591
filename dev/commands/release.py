"""The addons as people install them: a wheel and a zip of each, built from what is
committed."""

import argparse
import ast
import contextlib
import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
from datetime import datetime, timezone
from pathlib import Path

from dev.environment.provision import ROOT, Environment, has_venv
from dev.environment.shell import Failure, run, step

LICENSE = "LICENSE"
PINS = "release"
# Prints where each addon that is named is found.
FIND = """
import importlib.util, sys

for addon in sys.argv[1:]:
    print(importlib.util.find_spec(f"odoo.addons.{addon}").origin)
"""


def main(arguments):
    """Build them, and install the wheels as a user of them does."""
    parser = argparse.ArgumentParser(
        prog="bin/release",
        description="Build each addon's wheel and zip from what is committed, and"
        " install all from the wheels: a fresh environment, a database of its own.",
    )
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        help="where they are put (default: a directory of the cache, which is told)",
    )
    directory = parser.parse_args(arguments).directory
    _check_committed()
    env = Environment()
    env.provision()
    env.postgres.start()
    directory = (directory or env.cache / "release").absolute()
    with step("Wheels and zips"):
        files = build(env, directory)
    with step("The wheels in a fresh environment, and their addons in a database"):
        prove(env, {addon: wheel for addon, (wheel, _archive) in files.items()})
    for file in (file for both in files.values() for file in both):
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}")
    return 0


def build(env, directory, commit="HEAD"):
    """Build wheel and zip of each addon of a commit into a directory.

    Made again of the same commit, they have the same bytes.

    :return: {addon: (path of its wheel, path of its zip)}
    """
    directory.mkdir(parents=True, exist_ok=True)
    moment = int(_git("log", "-1", "--format=%ct", commit))
    files = {}
    with tempfile.TemporaryDirectory() as place:
        for addon in _export(Path(place), commit):
            wheel = _build_wheel(env, addon, directory, moment)
            manifest = ast.literal_eval((addon / "__manifest__.py").read_text())
            archive = directory / f"{addon.name}-{manifest['version']}.zip"
            _build_zip(addon, archive, moment)
            files[addon.name] = wheel, archive
    return files


def prove(env, wheels):
    """Install wheels into a fresh environment, and their addons into a database.

    :param wheels: {addon: path}
    """
    with installed(env, wheels) as (python, variables):
        name = env.new_database_name("release")
        env.create_database(name)
        try:
            command = [python, env.odoo.script, "-d", name, "-i", ",".join(wheels)]
            command += ["--stop-after-init", "--no-http", "--log-level=warn"]
            failing = "The addons could not be installed from their wheels"
            said = run(command, failing, env.log, env=variables, cwd=os.sep)
            query = "SELECT name FROM ir_module_module WHERE state = 'installed'"
            missing = wheels.keys() - set(env.postgres.execute(query, name).split())
            if missing or re.search(r" (ERROR|CRITICAL) ", said):
                names = ", ".join(sorted(missing)) or "none"
                raise Failure(f"{failing}: missing {names}; {env.log} has all of it.")
        finally:
            env.drop_database(name)


@contextlib.contextmanager
def installed(env, wheels):
    """Give the Python of a fresh environment with Odoo and wheels; its variables.

    The checkout is not on its paths: what it finds of the addons comes from the wheels.

    :param wheels: {addon: path}
    """
    with tempfile.TemporaryDirectory() as place:
        failing = "The wheels could not be installed into a fresh environment"
        run([env.python, "-m", "venv", place], failing, env.log)
        python = Path(place, "bin/python")
        # Odoo itself is no package of pip's here.
        pip = [python, "-m", "pip", "install", "--no-index", "--no-deps"]
        pip += ["--disable-pip-version-check", *wheels.values()]
        run(pip, failing, env.log)
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        packages, of_odoo = (
            Path(run([program, "-c", code], failing, env.log).strip())
            for program in (python, env.python)
        )
        (packages / "odoo.pth").write_text(f"{env.odoo.root}\n{of_odoo}\n")
        addons = ",".join(map(str, env.odoo.addons))
        variables = env.variables()
        variables["ODOO_RC"] = str(env.write_config("release", addons_path=addons))
        variables.pop("PYTHONPATH")
        command = [python, "-c", FIND, *wheels]
        found = run(command, failing, env.log, env=variables, cwd=os.sep)
        for path in found.split():
            if not path.startswith(str(packages)):
                raise Failure(f"{failing}: Odoo finds an addon at {path}.")
        yield python, variables


def list_addons(commit="HEAD"):
    """Return the names of the addons of a commit."""
    files = _git("ls-tree", "-r", "--name-only", commit).splitlines()
    return sorted(
        file.split("/")[0]
        for file in files
        if re.fullmatch(r"\w+/__manifest__.py", file)
    )


def _check_committed():
    if changed := _git("status", "--porcelain", "--", *list_addons(), LICENSE):
        raise Failure(f"Commit first: there are changes.\n{changed}")


def _git(*arguments):
    if not shutil.which("git") or not (ROOT / ".git").exists():
        raise Failure("A release is built from what is committed: git and its files.")
    # The checkout may belong to another user than the one who builds.
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT]
    return run([*git, *arguments], "git could not tell what is committed").strip()


def _export(place, commit):
    """Write the addons as committed, each with the license; return where each is."""
    archive = place / "commit.tar"
    addons = list_addons(commit)
    _git("archive", f"--output={archive}", commit, *addons, LICENSE)
    with tarfile.open(archive) as content:
        content.extractall(place)
    for addon in addons:
        shutil.copy(place / LICENSE, place / addon / LICENSE)
    return [place / addon for addon in addons]


def _build_wheel(env, addon, directory, moment):
    """Build it with whool, the way of OCA's addons; return its path."""
    venv = env.venv_of(PINS)
    if not has_venv(venv):
        env.make_venv(venv, (PINS, []))
    with tempfile.TemporaryDirectory() as place:
        pip = [venv / "bin/python", "-m", "pip", "wheel", "--no-index", "--no-deps"]
        pip += ["--disable-pip-version-check", "--no-build-isolation", "-w", place]
        variables = {**os.environ, "SOURCE_DATE_EPOCH": str(moment)}
        failing = "The wheel could not be built"
        run([*pip, addon], failing, env.log, env=variables)
        (wheel,) = Path(place).glob("*.whl")
        return Path(shutil.copy(wheel, directory))


def _build_zip(addon, archive, moment):
    """Zip the addon's directory, to be unpacked on an addons path."""
    date = datetime.fromtimestamp(moment, timezone.utc).timetuple()[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        for file in sorted(addon.rglob("*")):
            if file.is_file():
                info = zipfile.ZipInfo(str(file.relative_to(addon.parent)), date)
                info.external_attr = 0o644 << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                content.writestr(info, file.read_bytes())
