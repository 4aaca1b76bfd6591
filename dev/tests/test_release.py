"""Wheels and zips hold what is committed, and Odoo finds the addons in the wheels."""

import subprocess
import zipfile

import pytest

from dev.commands.release import LICENSE, build, installed, list_addons
from dev.environment.provision import ROOT, Environment
from dev.environment.shell import Failure, run


@pytest.fixture(scope="module")
def environment():
    return Environment()


@pytest.fixture(scope="module")
def committed():
    """The files that are to be in both of each addon, by their path below it."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT]
    command = [*git, "ls-tree", "-r", "--name-only", "HEAD", "--"]
    try:
        return {
            addon: {
                name.removeprefix(f"{addon}/")
                for name in run([*command, addon], "git").splitlines()
            }
            | {LICENSE}
            for addon in list_addons()
        }
    except Failure:
        pytest.skip("this is no checkout of git's, which a release is built from")


@pytest.fixture(scope="module")
def files(environment, committed, tmp_path_factory):
    return build(environment, tmp_path_factory.mktemp("release"))


def names(archive, root):
    with zipfile.ZipFile(archive) as content:
        return {
            name.removeprefix(root)
            for name in content.namelist()
            if name.startswith(root) and not name.endswith("/")
        }


def test_each_addon_has_a_wheel_and_a_zip(files):
    addons = {"lead_invoicing", "lead_invoicing_payment", "lead_invoicing_return"}
    assert addons <= files.keys()


def test_both_hold_what_is_committed_and_the_license(files, committed):
    for addon, (wheel, archive) in files.items():
        assert names(archive, f"{addon}/") == committed[addon]
        # Who has a wheel builds none.
        kept = committed[addon] - {"pyproject.toml"}
        assert names(wheel, f"odoo/addons/{addon}/") == kept


def test_they_are_the_same_when_built_again(environment, files, tmp_path):
    again = build(environment, tmp_path)
    for addon, both in files.items():
        for old, new in zip(both, again[addon], strict=True):
            assert old.name == new.name
            assert old.read_bytes() == new.read_bytes(), old.name


def test_odoo_finds_the_addons_of_the_wheels(environment, files):
    wheels = {addon: wheel for addon, (wheel, _archive) in files.items()}
    code = (
        "import sys;"
        "from odoo.tools import config; config.parse_config([]);"
        "from odoo.modules import Manifest;"
        "found = map(Manifest.for_addon, sys.argv[1:]);"
        "print(*(f'{addon.version} {addon.path}' for addon in found), sep='\\n')"
    )
    with installed(environment, wheels) as (python, variables):
        command = [python, "-c", code, *wheels]
        told = subprocess.check_output(command, env=variables, text=True, cwd="/")
        for line, wheel in zip(told.splitlines(), wheels.values(), strict=True):
            version, path = line.split()
            assert version in wheel.name
            assert path.startswith(str(python.parent.parent))
