"""XML tags indented by their depth: `dev/start indent [--fix] FILE…`."""

import argparse
import re
import xml.parsers.expat
from pathlib import Path

from dev.environment.shell import say

INDENT = 2
TAG = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")


def main(arguments):
    """Check files, or put them right; return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="dev/start indent", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="put them right")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    return int(check(options.files, options.fix))


def check(files, fix):
    """Tell whether tags at the start of a line are not indented by their depth."""
    found = False
    for file in files:
        text = file.read_text()
        wanted = indented(text)
        if wanted == text:
            continue
        if fix:
            file.write_text(wanted)
            continue
        pairs = zip(text.split("\n"), wanted.split("\n"), strict=True)
        line = next(number for number, (a, b) in enumerate(pairs, 1) if a != b)
        say(f"{file}:{line}: indent tags by {INDENT} spaces")
        found = True
    return found


def indented(text):
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
