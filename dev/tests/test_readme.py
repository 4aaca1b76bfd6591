"""README.rst, the page of the addon in Odoo's Apps, and CHANGELOG.md are what their
fragments say, and render without a warning."""

import ast
import re

import pytest
from docutils.core import publish_doctree

from odoo.tools import html_sanitize

from dev.commands.readme import ADDON, SECTIONS, SOURCE, render
from dev.environment.provision import ROOT

README = ADDON / "README.rst"
DESCRIPTION = ADDON / "static/description"
# Shown elsewhere than on the page.
OTHER_PICTURES = {"cover.png", "icon.png"}


@pytest.mark.parametrize("path", render(), ids=lambda path: path.name)
def test_it_is_written_anew(path):
    assert path.read_text() == render()[path], "Run dev/start readme"


def test_each_fragment_has_its_place():
    assert {file.stem for file in SOURCE.iterdir()} == set(SECTIONS)


@pytest.mark.parametrize(
    "path", [README, *sorted(SOURCE.iterdir())], ids=lambda path: path.name
)
def test_it_renders_without_a_warning(path):
    # A fragment shows its pictures where it is; all warnings and worse end it.
    publish_doctree(
        path.read_text(),
        source_path=str(path),
        settings_overrides={"halt_level": 2, "report_level": 2},
    )


def test_the_page_keeps_its_pictures_in_odoo():
    html = str(html_sanitize((DESCRIPTION / "index.html").read_text()))
    pictures = re.findall('src="([^"]+)"', html)
    there = {file.name for file in DESCRIPTION.glob("*.png")}
    assert set(pictures) == there - OTHER_PICTURES


def test_the_changelog_knows_this_version_and_those_that_migrate():
    manifest = ast.literal_eval((ADDON / "__manifest__.py").read_text())
    changelog = (ROOT / "CHANGELOG.md").read_text()
    versions = re.findall(r"^(\d[\d.]+) \(.+\)\n-+$", changelog, re.MULTILINE)
    assert versions[0] == manifest["version"]
    migrations = {file.name for file in (ADDON / "migrations").iterdir()}
    assert migrations <= set(versions)
