"""The files that the documents name are there, under these names."""

import re

import pytest

from dev.environment.provision import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
# `tools/windows.py`, `models/`, `lead_*_views.xml`, [Operations](docs/operations.md)
NAMED = re.compile(
    r"`([a-z.][\w.*-]*/[\w./*-]*|[\w*-]+\.(?:py|md|xml))`|\]\(([^)#:]+)\)"
)


def find(name, document):
    """Find what a document names: from the root, from the addon, or from where it is;
    without a directory, anywhere in the addon."""
    places = [ROOT, ROOT / "lead_invoicing", document.parent]
    pattern = name.rstrip("/") if "/" in name else f"**/{name}"
    return [file for place in places for file in place.glob(pattern)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_it_names_are_there(document):
    names = [code or link for code, link in NAMED.findall(document.read_text())]
    assert not [name for name in names if not find(name, document)]
