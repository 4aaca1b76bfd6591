"""Wheel and zip hold what is committed, and Odoo finds the addon in the wheel."""

import subprocess
import zipfile

import pytest

from dev.commands.release import ADDON, LICENSE, build, installed
from dev.environment.provision import ROOT, Environment
from dev.environment.shell import Failure, run


@pytest.fixture(scope="module")
def environment():
    return Environment()


@pytest.fixture(scope="module")
def committed():
    """The files that are to be in both, by their path below the addon."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT]
    command = [*git, "ls-tree", "-r", "--name-only", "HEAD", "--", ADDON]
    try:
        names = run(command, "git").splitlines()
    except Failure:
        pytest.skip("this is no checkout of git's, which a release is built from")
    return {name.removeprefix(f"{ADDON}/") for name in names} | {LICENSE}


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


def test_both_hold_what_is_committed_and_the_license(files, committed):
    wheel, archive = files
    assert names(archive, f"{ADDON}/") == committed
    # Who has a wheel builds none.
    assert names(wheel, f"odoo/addons/{ADDON}/") == committed - {"pyproject.toml"}


def test_they_are_the_same_when_built_again(environment, files, tmp_path):
    for old, new in zip(files, build(environment, tmp_path), strict=True):
        assert old.name == new.name
        assert old.read_bytes() == new.read_bytes(), old.name


def test_odoo_finds_the_addon_of_the_wheel(environment, files):
    with installed(environment, files[0]) as (python, variables):
        code = (
            "from odoo.tools import config; config.parse_config([]);"
            "from odoo.modules import Manifest;"
            f"manifest = Manifest.for_addon('{ADDON}');"
            "print(manifest.version, manifest.path)"
        )
        command = [python, "-c", code]
        told = subprocess.check_output(command, env=variables, text=True, cwd="/")
        version, path = told.split()
        assert version in files[0].name
        assert path.startswith(str(python.parent.parent))
