"""The addon's README.rst and its page in Odoo's Apps, and CHANGELOG.md, of fragments.

`dev/start readme` writes them anew of `readme/*.rst` in the addon, whose names are
those of OCA's fragments. Nobody edits what it writes.
"""

import ast
import os

from dev.environment.provision import ROOT, Environment

ADDON = ROOT / "lead_invoicing"
SOURCE = ADDON / "readme"
# As OCA orders and names them; without a title: the beginning.
SECTIONS = {
    "DESCRIPTION": "",
    "CONTEXT": "Use Cases / Context",
    "INSTALL": "Installation",
    "CONFIGURE": "Configuration",
    "USAGE": "Usage",
    "ROADMAP": "Known Issues / Roadmap",
    "HISTORY": "Changelog",
    "CONTRIBUTORS": "Contributors",
}
GENERATED = "Written by `dev/start readme` of readme/*.rst; edit those."
PICTURES = "static/description/"
CHANGELOG = """\
Changelog
=========

What changed for those who use the addon or build upon it, the newest first. Versions
are those of `lead_invoicing/__manifest__.py`. This file is written by
`dev/start readme` of `lead_invoicing/readme/HISTORY.rst`.

"""


def main(_arguments):
    """Write the files, in the Python of Odoo, which has docutils."""
    env = Environment()
    env.provision(lint_only=True)
    os.chdir(ROOT)
    os.execv(env.python, [env.python, "-m", "dev.commands.readme"])


def render():
    """Return {path: text} of all that is written."""
    readme = _render_readme()
    return {
        ADDON / "README.rst": readme,
        ADDON / PICTURES / "index.html": _render_page(readme),
        # What the fragment is written in reads the same as Markdown.
        ROOT / "CHANGELOG.md": CHANGELOG + _read("HISTORY"),
    }


def _render_readme():
    title = ast.literal_eval((ADDON / "__manifest__.py").read_text())["name"]
    line = "=" * len(title)
    parts = [f"{line}\n{title}\n{line}\n", f"..\n   {GENERATED}\n"]
    for name, heading in SECTIONS.items():
        parts += [f"{heading}\n{'=' * len(heading)}\n"] if heading else []
        # Fragments show their pictures where they are, too.
        parts.append(_read(name).replace(f"../{PICTURES}", PICTURES))
    return "\n".join(parts)


def _render_page(readme):
    """Return what Odoo shows of the addon, beside its pictures."""
    from docutils.core import publish_parts

    # Warnings and worse end it.
    settings = {"halt_level": 2, "report_level": 2, "embed_stylesheet": False}
    parts = publish_parts(readme, writer="html5", settings_overrides=settings)
    body = parts["body"].replace(f'src="{PICTURES}', 'src="')
    return (
        f"<!-- {GENERATED} -->\n"
        f'<section class="container">\n<h1>{parts["title"]}</h1>\n{body}</section>\n'
    )


def _read(name):
    return (SOURCE / f"{name}.rst").read_text()


if __name__ == "__main__":
    for path, text in render().items():
        path.write_text(text)
