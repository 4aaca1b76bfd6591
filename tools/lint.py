"""Form and style of all code: ruff, pylint-odoo, the OCA checks, XML indentation."""

import argparse
import os
import re
import subprocess
import xml.parsers.expat

from tools.provision import ROOT, Environment
from tools.shell import say

INDENT = 2
TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")


def main(arguments):
    """Run all checks, or put right what can be; return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="bin/lint", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="put right what can be")
    fix = parser.parse_args(arguments).fix
    env = Environment()
    env.provision(lint_only=True)
    failed = [name for name, command in _programs(env, fix) if _fails(env, command)]
    if _check_xml_files(env, fix):
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


def _fails(env, command):
    programs = env.venv / "bin"
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    variables = {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore"}
    variables["RUFF_CACHE_DIR"] = str(env.cache / "ruff")
    command = [str(programs / command[0]), *command[1:]]
    return subprocess.run(command, cwd=ROOT, env=variables).returncode != 0


def _check_xml_files(env, fix):
    """Tell whether tags at the start of a line are not indented by their depth."""
    found = False
    for addon in env.addons():
        for file in sorted(addon.rglob("*.xml")):
            text = file.read_text()
            wanted = _indented(text)
            if wanted == text:
                continue
            if fix:
                file.write_text(wanted)
                continue
            pairs = zip(text.split("\n"), wanted.split("\n"), strict=True)
            line = next(number for number, (a, b) in enumerate(pairs, 1) if a != b)
            say(f"{file.relative_to(ROOT)}:{line}: indent tags by {INDENT} spaces")
            found = True
    return found


def _indented(text):
    """Return XML with its tags indented by their depth and all else left alone."""
    lines = text.split("\n")
    for number, (depth, end) in _tags(text).items():
        shift = INDENT * depth - _leading(lines[number])
        # The further lines of the tag, with its attributes, move along.
        for moved in range(number, end + 1):
            width = max(_leading(lines[moved]) + shift, 0)
            lines[moved] = " " * width + lines[moved].lstrip()
    return "\n".join(lines)


def _tags(text):
    """Map each line that begins with a tag to its depth and to the tag's last line."""
    parser = xml.parsers.expat.ParserCreate()
    source = text.encode()
    tags = {}
    kept = []

    def note():
        begin = parser.CurrentByteIndex
        line_start = source.rfind(b"\n", 0, begin) + 1
        if not source[line_start:begin].strip() and not any(kept):
            number = parser.CurrentLineNumber - 1
            height = TAG.match(source, begin)[0].count(b"\n")
            tags.setdefault(number, (len(kept), number + height))

    def start(name, attributes):
        note()
        # Space inside such an element is content.
        kept.append(name == "pre" or attributes.get("xml:space") == "preserve")

    def end(_name):
        kept.pop()
        note()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(source, True)
    return tags


def _leading(line):
    return len(line) - len(line.lstrip())
