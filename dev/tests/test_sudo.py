"""Each `sudo()` says beside it why it is safe, as `docs/style.md` wants it.

A comment counts that stands in the statement of the `sudo()` or right above it. Several
such statements in a row may share one.
"""

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file
    for manifest in ROOT.glob("*/__manifest__.py")
    for file in manifest.parent.rglob("*.py")
    if "tests" not in file.relative_to(ROOT).parts
)


def get_statements(node):
    """Yield each statement under a node, with the one before it in its block."""
    for _name, value in ast.iter_fields(node):
        before = None
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                if isinstance(child, ast.stmt):
                    yield child, before
                    before = child
                yield from get_statements(child)


def is_sudo(node):
    return (
        isinstance(node, ast.Call)
        and not node.args
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sudo"
    )


def has_sudo(statement):
    """Tell whether there is a `sudo()` in a statement itself, not in its blocks."""
    todo = [statement]
    while todo:
        node = todo.pop()
        if is_sudo(node):
            return True
        todo += [
            child
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt)
        ]
    return False


def find_bare(source):
    """Return the lines of statements that have a `sudo()` and no reason."""
    if "sudo()" not in source:
        return []
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {
        token.start[0]: token.line.lstrip().startswith("#")
        for token in tokens
        if token.type == tokenize.COMMENT
    }

    def has_comment(statement):
        first, last = statement.lineno, statement.end_lineno
        if body := getattr(statement, "body", None):
            # Its head, and what stands below that before the first line of the block.
            last = body[0].lineno - 1
        # A line that is only a comment.
        return comments.get(first - 1) or any(
            number in comments for number in range(first, last + 1)
        )

    told, bare = set(), []
    for statement, before in get_statements(ast.parse(source)):
        if has_sudo(statement):
            if has_comment(statement) or before in told:
                told.add(statement)
            else:
                bare.append(statement.lineno)
    return bare


@pytest.mark.parametrize(
    "file", FILES, ids=lambda path: "/".join([*path.parts[-3:-1], path.stem])
)
def test_each_sudo_says_why_it_is_safe(file):
    assert not find_bare(file.read_text())


def test_a_sudo_without_a_reason_is_found():
    bare = "def f(self):\n    self.x = 1  # why\n    a = self.sudo()\n"
    assert find_bare(bare) == [3]
    for reason, lines in (
        ("above", "    # why\n    a = self.sudo()\n"),
        ("in it", "    a = (\n        self.sudo()  # why\n    )\n"),
        ("above both", "    # why\n    a = self.sudo()\n    b = self.sudo()\n"),
        ("below a head", "    for a in self.sudo():\n        # why\n        a.x = 1\n"),
        ("none needed", "    a = self.sudo(False)\n"),
    ):
        assert not find_bare(f"def f(self):\n{lines}"), reason
