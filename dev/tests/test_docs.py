"""What the documents name is there, under these names."""

import ast
import re
from functools import cache

import pytest

from dev.environment.provision import ROOT
from dev.stress.command import BENCHMARKS

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
ADDONS = sorted(manifest.parent for manifest in ROOT.glob("*/__manifest__.py"))
# `tools/windows.py`, `models/`, `lead_*_views.xml`, [Operations](docs/operations.md)
NAMED = re.compile(
    r"`([a-z.][\w.*-]*/[\w./*-]*|[\w*-]+\.(?:py|md|xml))`|\]\(([^)#:]+)\)"
)
# `_get_columns`, `lead.sale`, `lead_tz`; docs/style.md has patterns of names.
NAMED_IN_CODE = re.compile(r"`(_[a-z]\w+|lead[._]\w[\w.]*)(?:\(\))?`")
# `bin/bench power`, and in blocks
COMMAND = re.compile(r"\b(bin/[a-z]+|dev/start [a-z]+|bin/bench [a-z]+)")
# | `_get_document_keys`, `_get_line_keys` | on … | what … |
HOOKS = re.compile(r"^\| (`_\w+`(?:, `_\w+`)*) \|", re.MULTILINE)


def find(name, document):
    """Find what a document names: from the root, from the addon, or from where it is;
    without a directory, anywhere in the addon."""
    places = [ROOT, ROOT / "lead_invoicing", document.parent]
    pattern = name.rstrip("/") if "/" in name else f"**/{name}"
    return [file for place in places for file in place.glob(pattern)]


@cache
def get_code():
    """Return all that is in the addons' Python and XML."""
    files = [
        file
        for addon in ADDONS
        for pattern in ("*.py", "*.xml")
        for file in addon.rglob(pattern)
    ]
    return "\n".join(file.read_text() for file in files)


def is_in_code(name):
    """Tell whether a name is there; or of `lead.sale.create`, both parts."""
    owner, _dot, own = name.rpartition(".")
    code = get_code()
    return has_word(code, name) or (
        owner not in ("", "lead") and has_word(code, owner) and has_word(code, own)
    )


def has_word(code, name):
    return re.search(rf"\b{re.escape(name)}\b", code) is not None


def is_command(command):
    program, *words = command.split()
    if program == "bin/bench" and words:
        return words[0] in BENCHMARKS
    if program == "dev/start":
        return (ROOT / f"dev/commands/{words[0]}.py").exists()
    return (ROOT / program).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_it_names_are_there(document):
    names = [code or link for code, link in NAMED.findall(document.read_text())]
    assert not [name for name in names if not find(name, document)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_that_it_names_are_there(document):
    commands = set(COMMAND.findall(document.read_text()))
    assert not [command for command in commands if not is_command(command)]


@pytest.mark.parametrize(
    "document",
    # The changelog tells of what was.
    [path for path in DOCUMENTS if path.name not in ("CHANGELOG.md", "style.md")],
    ids=lambda path: path.name,
)
def test_the_models_fields_and_methods_that_it_names_are_there(document):
    names = set(NAMED_IN_CODE.findall(document.read_text()))
    assert not [name for name in names if not is_in_code(name)]


def test_the_api_is_described_with_the_fields_that_it_reads():
    text = (ROOT / "docs/api.md").read_text()
    (_before, section) = text.split("## Record transactions\n")
    (table, _after) = section.split("The answer has an object for each row")
    fields = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", table, re.MULTILINE)
    fields = {name.strip("`") for names in fields for name in names.split(", ")}
    code = (ROOT / "lead_invoicing/recording/reader.py").read_text()
    (read,) = re.findall(r"^API_FIELDS = (\{.*?\})$", code, re.DOTALL | re.MULTILINE)
    assert fields == ast.literal_eval(read)


def test_each_hook_is_in_the_list():
    listed = HOOKS.findall((ROOT / "docs/architecture.md").read_text())
    listed = {name.strip("`") for names in listed for name in names.split(", ")}
    hooks = {
        node.name
        for addon in ADDONS
        for file in addon.rglob("*.py")
        if "tests" not in file.relative_to(addon).parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
        and (ast.get_docstring(node) or "").startswith("Hook:")
    }
    assert listed == hooks
