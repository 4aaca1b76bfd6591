"""The addon as people install it: a wheel and a zip, built from what is committed."""

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

ADDON = "lead_invoicing"
LICENSE = "LICENSE"
PINS = "release"
FIND = f"import importlib.util as u; print(u.find_spec('odoo.addons.{ADDON}').origin)"


def main(arguments):
    """Build both, and install the wheel as a user of it does."""
    parser = argparse.ArgumentParser(
        prog="bin/release",
        description="Build the addon's wheel and zip from what is committed, and"
        " install it from the wheel: a fresh environment, a database of its own.",
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
    with step("Wheel and zip"):
        files = build(env, directory)
    with step("The wheel in a fresh environment, and its addon in a database"):
        prove(env, files[0])
    for file in files:
        print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}")
    return 0


def build(env, directory, commit="HEAD"):
    """Build wheel and zip of a commit into a directory, and return their paths.

    Made again of the same commit, they have the same bytes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    moment = int(_git("log", "-1", "--format=%ct", commit))
    with tempfile.TemporaryDirectory() as place:
        addon = _export(Path(place), commit)
        wheel = _build_wheel(env, addon, directory, moment)
        version = ast.literal_eval((addon / "__manifest__.py").read_text())["version"]
        archive = directory / f"{ADDON}-{version}.zip"
        _build_zip(addon, archive, moment)
    return [wheel, archive]


def prove(env, wheel):
    """Install the wheel into a fresh environment, and its addon into a database."""
    with installed(env, wheel) as (python, variables):
        name = env.new_database_name("release")
        env.create_database(name)
        try:
            command = [python, env.odoo.script, "-d", name, "-i", ADDON]
            command += ["--stop-after-init", "--no-http", "--log-level=warn"]
            failing = "The addon could not be installed from its wheel"
            said = run(command, failing, env.log, env=variables, cwd=os.sep)
            query = f"SELECT state FROM ir_module_module WHERE name = '{ADDON}'"
            state = env.postgres.execute(query, name)
            if state != "installed" or re.search(r" (ERROR|CRITICAL) ", said):
                raise Failure(f"{failing}: it is {state}; {env.log} has all of it.")
        finally:
            env.drop_database(name)


@contextlib.contextmanager
def installed(env, wheel):
    """Give the Python of a fresh environment with Odoo and this wheel; its variables.

    The checkout is not on its paths: what it finds of the addon comes from the wheel.
    """
    with tempfile.TemporaryDirectory() as place:
        failing = "The wheel could not be installed into a fresh environment"
        run([env.python, "-m", "venv", place], failing, env.log)
        python = Path(place, "bin/python")
        # Odoo itself is no package of pip's here.
        pip = [python, "-m", "pip", "install", "--no-index", "--no-deps"]
        run([*pip, "--disable-pip-version-check", wheel], failing, env.log)
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
        found = run([python, "-c", FIND], failing, env.log, env=variables, cwd=os.sep)
        if not found.startswith(str(packages)):
            raise Failure(f"{failing}: Odoo finds its addon at {found.strip()}.")
        yield python, variables


def _check_committed():
    if changed := _git("status", "--porcelain", "--", ADDON, LICENSE):
        raise Failure(f"Commit first: {ADDON} has changes.\n{changed}")


def _git(*arguments):
    if not shutil.which("git") or not (ROOT / ".git").exists():
        raise Failure("A release is built from what is committed: git and its files.")
    # The checkout may belong to another user than the one who builds.
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT]
    return run([*git, *arguments], "git could not tell what is committed").strip()


def _export(place, commit):
    """Write the addon as committed, with the license, and return its directory."""
    archive = place / "commit.tar"
    _git("archive", f"--output={archive}", commit, ADDON, LICENSE)
    with tarfile.open(archive) as content:
        content.extractall(place)
    addon = place / ADDON
    shutil.move(place / LICENSE, addon / LICENSE)
    return addon


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
