"""Odoo itself: found where it is, or fetched from Debian and unpacked."""

import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from dev.environment.shell import Failure, run

SERIES = "19.0"

# Debian's package of Odoo links to these packages, of the same suite …
ODOO_PACKAGES = [
    "odoo-19",
    "fonts-inconsolata",
    "fonts-montserrat",
    "fonts-ocr-b",
    "fonts-roboto-unhinted",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
]
# … and to this one, of which Odoo needs the version that stable suites have.
FONT_AWESOME, FONT_AWESOME_VERSION = "fonts-font-awesome", "4.7."

Odoo = namedtuple("Odoo", "script root addons version")
Odoo.__doc__ = "An Odoo: its start script, what PYTHONPATH needs, addons directories."


def fetch_odoo(cache, apt, log):
    """Let `odoo` in the cache be the Odoo that Debian has now."""
    options = apt.suite("sid", cache / "apt")
    version = apt.version("odoo-19", options)
    if not version.startswith(SERIES):
        raise Failure(
            f"Debian's package odoo-19 is version {version or 'unknown'} now, not"
            f" {SERIES}; set LEAD_INVOICING_ODOO to an Odoo {SERIES}."
        )
    prefix = cache / f"odoo-{version}"
    if not prefix.exists():
        _unpack(_download(cache, apt, version, options), prefix, log)
    link = cache / "odoo.new"
    link.unlink(missing_ok=True)
    link.symlink_to(prefix.name)
    link.replace(cache / "odoo")


def _download(cache, apt, version, options):
    directory = cache / "downloads" / version
    files = apt.download(ODOO_PACKAGES, directory, options)
    found = apt.version(FONT_AWESOME)
    if FONT_AWESOME_VERSION not in found:
        raise Failure(
            f"Odoo {SERIES} needs version {FONT_AWESOME_VERSION}x of the package"
            f" {FONT_AWESOME}; this machine's Debian has {found or 'none'}."
        )
    return files + apt.download([FONT_AWESOME], directory)


def _unpack(files, prefix, log):
    draft = Path(f"{prefix}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for file in files:
        failing = f"{file.name} could not be unpacked"
        run(["dpkg-deb", "-x", file, draft], failing, log)
    find_odoo(draft / "usr/bin/odoo")
    names = "\n".join(file.name for file in files)
    (draft / "packages.txt").write_text(names + "\n")
    draft.rename(prefix)
    shutil.rmtree(files[0].parent)


def find_odoo(path):
    """Find an Odoo 19 by its checkout, its package directory or its start script."""
    if path.is_dir():
        scripts = [path / "odoo-bin"] + [
            path.parents[level] / "bin/odoo" for level in (2, 1) if len(path.parts) > 3
        ]
        script = next((file for file in scripts if file.is_file()), None)
        roots = [path]
    else:
        script = path if path.is_file() else None
        roots = [path.resolve().parent]
        roots += path.resolve().parent.parent.glob("lib/python3*/*-packages")
    root = next((root for root in roots if (root / "odoo/release.py").is_file()), None)
    if not script or not root:
        raise Failure(f"There is no Odoo at {path}.")
    release = (root / "odoo/release.py").read_text()
    found = re.search(r"^version_info = \((\d+), (\d+), (\d+)", release, re.MULTILINE)
    if not found or ".".join(found.groups()[:2]) != SERIES:
        raise Failure(f"The Odoo at {path} is not version {SERIES}.")
    addons = [root / "addons", root / "odoo/addons"]
    version = _describe(root) or ".".join(found.groups())
    return Odoo(script, root, [path for path in addons if path.is_dir()], version)


def _describe(root):
    """Tell the exact version of an Odoo: the package's, or the commit's."""
    for parent in root.parents:
        if parent.name.startswith(f"odoo-{SERIES}"):
            return parent.name.removeprefix("odoo-")
    head = root / ".git/HEAD"
    if head.is_file() and shutil.which("git"):
        git = ["git", "-c", f"safe.directory={root}", "-C", root]
        command = [*git, "rev-parse", "--short", "HEAD"]
        result = subprocess.run(command, capture_output=True, text=True)
        return result.stdout.strip() and f"{SERIES} at {result.stdout.strip()}"
    return None
