"""Odoo 19 and all that it needs, prepared once and kept outside the checkout.

For other commands of the project::

    from dev.environment.provision import Environment

    env = Environment()
    env.provision()                      # quick and silent once all is there
    env.postgres.start()                 # the cluster stays up for the next command
    name = env.new_database_name("demo")            # or any name
    env.create_database(name)                       # account and portal installed
    env.run_odoo("-d", name, "-i", "lead_invoicing", "--stop-after-init")
    config = env.write_config("demo", http_port=env.free_port(), workers=2)
    process = subprocess.Popen(env.odoo_command("-c", config, "-d", name),
                               env=env.variables())
    env.postgres.execute("SELECT count(*) FROM lead_sale", name)
    env.drop_database(name)                         # its files as well

`env.variables()` is the environment for every program that works with Odoo or the
database: PATH (wkhtmltopdf, the virtual environment), PYTHONPATH (`import odoo`),
ODOO_RC (the project's configuration) and PG* (psql, psycopg2 with an empty DSN).
Further there are `env.python`, `env.odoo` (`script`, `root`, `addons`, `version`),
`env.addons()`, `env.addons_path`, `env.data_dir`, `env.chromium` and `env.cache`.
A command is a module of `dev/commands` with `main(arguments)`, started by `dev/start
NAME`; it raises `shell.Failure` with a sentence for what the user can put right.
"""

import argparse
import base64
import contextlib
import glob
import hashlib
import os
import platform
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from dev.environment.clock import find_library
from dev.environment.debian import Apt
from dev.environment.odoo import SERIES, fetch_odoo, find_odoo
from dev.environment.postgres import Cluster, Server, find_programs
from dev.environment.shell import Failure, is_running, run, say, step, turn, write

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements"

# A script of the mail addon that Debian leaves out; without it every page of the
# backend logs an error, which fails the tours.
SCRIPT = "addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"
SCRIPT_PACKAGE = "@mediapipe/selfie_segmentation@0.1.1675465747"
SCRIPT_PACKAGE_HASH = (
    "IxYxNhwE5VwOm52L1yoFWYLP7q9Pd+NJjzOC5tlepfvEGaY3o9hslhUrx9BgseqdfZtKSDtd/4Nf"
    "CSMjNzQalA=="
)

# Looks for what keeps people from using a page, in the tests of the portal.
AXE = "axe.min.js"
AXE_PACKAGE = "axe-core@4.14.1"
AXE_PACKAGE_HASH = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37Og"
    "udVGtQ=="
)

# Libraries that wkhtmltopdf is linked to, and Debian's packages of them.
LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
}

BROWSERS = ["google-chrome", "chromium", "chromium-browser", "google-chrome-stable"]

# What works on a PostgreSQL of its own.
APART = ("clock", "faults")


class Environment:
    """The prepared machine, as the project's commands use it.

    :param postgres: another database server than the usual one
    :param further: variables for all programs, beside the usual ones
    """

    def __init__(self, postgres=None, further=()):
        self.cache = _cache_directory()
        self.log = self.cache / "provision.log"
        self.apt = Apt(self.log)
        self.checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
        self.config_name = postgres.directory.parent.name if postgres else "odoo"
        self._postgres = postgres
        self._further = dict(further)

    # What there is

    @property
    def venv(self):
        """The virtual environment of Odoo, of the tests and of `bin/lint`."""
        return self.venv_of("odoo", "build")

    def venv_of(self, *pins):
        """Return a directory of its own for each set of pins, by the names of files."""
        content = "".join((REQUIREMENTS / f"{name}.txt").read_text() for name in pins)
        key = hashlib.sha256(content.encode()).hexdigest()[:12]
        return self.cache / f"venv-{key}"

    @property
    def python(self):
        """The interpreter that runs Odoo and the tests."""
        return os.environ.get("LEAD_INVOICING_PYTHON") or str(self.venv / "bin/python")

    @property
    def odoo(self):
        """The Odoo in use: the one LEAD_INVOICING_ODOO names, or the provisioned."""
        if path := os.environ.get("LEAD_INVOICING_ODOO"):
            return find_odoo(Path(path).expanduser().absolute())
        return find_odoo((self.cache / "odoo").resolve() / "usr/bin/odoo")

    @property
    def postgres(self):
        """The database server."""
        if not self._postgres:
            external = "PGHOST" in os.environ
            self._postgres = Server() if external else Cluster(self.cache, self.log)
        return self._postgres

    @property
    def chromium(self):
        """The path of the browser, or None."""
        return next(filter(None, map(shutil.which, BROWSERS)), None)

    @property
    def axe(self):
        """The path of axe-core's script; each version has its own."""
        return self.cache / AXE_PACKAGE.replace("@", "-") / AXE

    @property
    def data_dir(self):
        """Odoo's files; apart for another server, which may know the same names."""
        if self.postgres.private:
            return self.cache / "data"
        server = f"{os.environ['PGHOST']}:{os.environ.get('PGPORT', '')}"
        return self.cache / f"data-{hashlib.sha256(server.encode()).hexdigest()[:12]}"

    @property
    def addons_path(self):
        """Odoo's addons, then the project's."""
        return [*self.odoo.addons, ROOT]

    def addons(self):
        """Return the project's addons: directories of the checkout."""
        return sorted(file.parent for file in ROOT.glob("*/__manifest__.py"))

    # How it is used

    def variables(self):
        """Return the environment for programs that work with Odoo or its database."""
        odoo = self.odoo
        config = self.write_config()
        path = [self.venv / "bin", os.environ.get("PATH", os.defpath)]
        python_path = [odoo.root, os.environ.get("PYTHONPATH")]
        variables = {
            **os.environ,
            **self.postgres.variables(),
            "PATH": os.pathsep.join(map(str, path)),
            "PYTHONPATH": os.pathsep.join(str(part) for part in python_path if part),
            "ODOO_RC": str(config),
            # Barcodes; what reportlab takes by default would have to be compiled.
            "RL_renderPMBackend": "_renderPM",
            "LEAD_INVOICING_AXE": str(self.axe),
            **self._further,
        }
        # Odoo would take it for the database to open.
        variables.pop("PGDATABASE", None)
        return variables

    def write_config(self, name=None, **options):
        """Write a configuration of Odoo with further options and return its path."""
        name = name or self.config_name
        server = self.postgres.variables()
        connection = {"db_host": "PGHOST", "db_port": "PGPORT", "db_user": "PGUSER"}
        options = {
            "addons_path": ",".join(map(str, self.addons_path)),
            "data_dir": self.data_dir,
            "screenshots": self.cache / "screenshots",
            "http_interface": "127.0.0.1",
            **{key: server[value] for key, value in connection.items() if server},
            **options,
        }
        lines = [f"{key} = {value}" for key, value in options.items()]
        path = self.cache / "config" / self.checkout / f"{name}.conf"
        text = "\n".join(["[options]", *lines, ""])
        if not path.exists() or path.read_text() != text:
            write(path, text, mode=0o600)
        return path

    def odoo_command(self, *arguments):
        """Return the command that runs Odoo."""
        # Not `python -m odoo`: the process that serves the bus would then die and be
        # started for ever.
        return [self.python, str(self.odoo.script), *map(str, arguments)]

    def run_odoo(self, *arguments, **options):
        """Run Odoo to its end; its failure is a `subprocess.CalledProcessError`."""
        options = {"env": self.variables(), "check": True, **options}
        return subprocess.run(self.odoo_command(*arguments), **options)

    @staticmethod
    def free_port():
        """Return a port of the loopback interface that nobody uses now."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    @staticmethod
    def new_database_name(prefix):
        """Return a name that no other run has; it tells the process that made it."""
        return f"{prefix}_{os.getpid()}_{secrets.token_hex(3)}"

    def create_database(self, name):
        """Create a database with `account` and `portal`, copied from a template."""
        template = self._template()
        self.postgres.create(name, template)
        files = self.data_dir / "filestore"
        if (files / template).exists():
            # Odoo never writes into a stored file, so copies may share it.
            shutil.copytree(files / template, files / name, copy_function=os.link)

    def drop_database(self, name):
        """Drop a database, with its files."""
        self.postgres.drop(name)
        shutil.rmtree(self.data_dir / "filestore" / name, ignore_errors=True)

    def _odoo_addons_path(self):
        return ",".join(map(str, self.odoo.addons))

    def _template(self):
        """Return the database that new ones are copied from, after making it once."""
        key = f"{self.odoo.version} {self._odoo_addons_path()} {self.python}"
        name = f"template_{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        waiting = "Waiting for the template database, which is being made."
        with turn(self.cache / "template.lock", waiting):
            if name not in self.postgres.databases("template%"):
                with step("Template database with account and portal"):
                    self._make_template(name)
        return name

    def copy_template(self, other):
        """Take over the template database of another environment's server."""
        name = other._template()
        dump = self.postgres.directory.parent / "template.dump"
        failing = "The template database could not be copied"
        command = ["pg_dump", "--format=custom", "--compress=0", "--file", dump, name]
        run(command, failing, self.log, env=other.variables())
        self.postgres.create(name)
        command = ["pg_restore", "--dbname", name, "--jobs=2", "--no-owner", dump]
        run(command, failing, self.log, env=self.variables())
        dump.unlink()

    @contextlib.contextmanager
    def apart(self, name, variables=()):
        """Give an environment like this one with a PostgreSQL of its own, for a while.

        :param name: one of `APART`, of which the cluster's directory gets its name
        :param variables: for all programs there, PostgreSQL among them
        """
        directory = self.cache / f"{name}_{os.getpid()}"
        cluster = Cluster(directory, self.log, variables)
        there = Environment(cluster, variables)
        try:
            cluster.make()
            there.copy_template(self)
            yield there
        finally:
            cluster.remove()
            shutil.rmtree(directory, ignore_errors=True)

    def remove_forgotten_clusters(self):
        """Stop and remove the clusters apart, and files, of runs that were killed."""
        for name in APART:
            for directory in self.cache.glob(f"{name}_*"):
                pid = directory.name.removeprefix(f"{name}_")
                if not is_running(pid):
                    Cluster(directory, self.log).remove()
                    shutil.rmtree(directory, ignore_errors=True)
                    for files in (self.data_dir / "filestore").glob(f"*_{pid}_*"):
                        shutil.rmtree(files, ignore_errors=True)

    def _make_template(self, name):
        draft = f"{name}_draft"
        self.drop_database(draft)
        self.drop_database(name)
        self.postgres.create(draft)
        failing = "The template database could not be made"
        # Without the project's addons: it is used where they are another version, or
        # not there, and Odoo refuses a list with one that it cannot find.
        arguments = ["--stop-after-init", "--no-http", "--log-level=warn"]
        arguments.append(f"--addons-path={self._odoo_addons_path()}")
        command = self.odoo_command("-d", draft, "-i", "account,portal", *arguments)
        run(command, failing, self.log, env=self.variables())
        files = self.data_dir / "filestore"
        if (files / draft).exists():
            (files / draft).rename(files / name)
        self.postgres.rename(draft, name)

    # How it is made

    def provision(self, lint_only=False, update=False):
        """Make what is not there yet; what `bin/lint` needs, or all."""
        parts = self._parts()[: 2 if lint_only else None]
        if not update and all(is_there() for _title, is_there, _make in parts):
            return False
        self.cache.mkdir(parents=True, exist_ok=True)
        with turn(self.cache / "lock", "Waiting for another provisioning to end."):
            for title, is_there, make in parts:
                if not is_there() or (update and make == self._make_odoo):
                    with step(title):
                        make()
        return True

    def _parts(self):
        """Return what is made, in order: title, whether it is there, how to make it."""
        return [
            ("A Python for Odoo", self._has_interpreter, self._install_interpreter),
            ("Python packages", self._has_venv, self._make_venv),
            ("Debian packages", self._has_packages, self._install_packages),
            (f"Odoo {SERIES}", self._has_odoo, self._make_odoo),
            ("Odoo's missing script", self._has_script, self._make_script),
            ("axe-core", self._has_axe, self._make_axe),
            ("wkhtmltopdf", self._has_wkhtmltopdf, self._make_wkhtmltopdf),
            ("PostgreSQL cluster", self._has_cluster, self._make_cluster),
        ]

    def _has_interpreter(self):
        return self._has_venv() or _find_interpreter() is not None

    def _install_interpreter(self):
        self.apt.install(["python3", "python3-venv"])
        if not _find_interpreter():
            raise Failure("Odoo 19 needs Python 3.10 to 3.13; install one of them.")

    def _has_venv(self):
        return has_venv(self.venv)

    def _make_venv(self):
        # First what builds the few packages that come as source, pinned as well.
        build_options = ["--no-build-isolation", "--use-pep517"]
        self.make_venv(self.venv, ("build", []), ("odoo", build_options))

    def make_venv(self, directory, *installs):
        """Make a virtual environment of pinned packages.

        :param installs: for each, the name of a file of pins, and options of pip
        """
        # It cannot be made elsewhere and moved: its scripts know where they are.
        shutil.rmtree(directory, ignore_errors=True)
        failing = "The virtual environment could not be made"
        run([_find_interpreter(), "-m", "venv", directory], failing, self.log)
        for name, options in installs:
            pip = [directory / "bin/python", "-m", "pip", "install"]
            pip += ["--disable-pip-version-check", "--no-input", "--require-hashes"]
            run(
                [*pip, *options, "-r", REQUIREMENTS / f"{name}.txt"],
                "The Python packages could not be installed",
                self.log,
                "See that pip reaches its package registry, then run this again.",
            )
        (directory / "complete").touch()

    def _has_packages(self):
        return not self._missing_packages()

    def _missing_packages(self):
        """Return the Debian packages of which the machine lacks what they bring."""
        fonts = "/usr/share/fonts/**"
        found = {
            "chromium": self.chromium,
            "poppler-utils": shutil.which("pdftoppm"),
            "faketime": not self.postgres.private or find_library(),
            # Latin, Greek, Cyrillic, Arabic and Hebrew; Chinese, Japanese and Korean.
            "fonts-dejavu-core": glob.glob(f"{fonts}/DejaVuSans.ttf", recursive=True),
            "fonts-wqy-microhei": glob.glob(
                f"{fonts}/wqy-microhei.ttc", recursive=True
            ),
            # Opens files as people do who get them, in the tests.
            "gnumeric": shutil.which("ssconvert"),
            "npm": (self._has_script() and self._has_axe()) or shutil.which("npm"),
            "postgresql": not self.postgres.private or find_programs(),
            "postgresql-client": shutil.which("psql"),
        }
        return [package for package, there in found.items() if not there]

    def _install_packages(self):
        self.apt.install(self._missing_packages())
        self._postgres = None

    def _has_odoo(self):
        if os.environ.get("LEAD_INVOICING_ODOO"):
            return bool(self.odoo)
        return (self.cache / "odoo" / "usr/bin/odoo").exists()

    def _make_odoo(self):
        if not os.environ.get("LEAD_INVOICING_ODOO"):
            fetch_odoo(self.cache, self.apt, self.log)

    def _has_script(self):
        """Tell whether the script is there; in an Odoo of others, none is put."""
        if os.environ.get("LEAD_INVOICING_ODOO"):
            return True
        return self._has_odoo() and (self.odoo.root / "odoo" / SCRIPT).exists()

    def _make_script(self):
        target = self.odoo.root / "odoo" / SCRIPT
        self._fetch_script(SCRIPT_PACKAGE, SCRIPT_PACKAGE_HASH, target)

    def _has_axe(self):
        return self.axe.exists()

    def _make_axe(self):
        self._fetch_script(AXE_PACKAGE, AXE_PACKAGE_HASH, self.axe)

    def _fetch_script(self, package, expected, target):
        """Put a script of an npm package somewhere.

        :param package: its name and version
        :param expected: the SHA-512 of the package, in base 64
        :param target: where the script goes, under its own name
        """
        with tempfile.TemporaryDirectory() as directory:
            failing = f"The npm package {package} could not be fetched"
            run(
                ["npm", "pack", "--pack-destination", directory, package],
                failing,
                self.log,
                "See that npm reaches its package registry, then run this again.",
                cwd=directory,
            )
            (archive,) = Path(directory).glob("*.tgz")
            digest = hashlib.sha512(archive.read_bytes()).digest()
            if base64.b64encode(digest).decode() != expected:
                raise Failure(f"{failing}: it is not the file that was expected.")
            with tarfile.open(archive) as content:
                script = content.extractfile(f"package/{target.name}").read()
        write(target, script.decode())

    def _has_wkhtmltopdf(self):
        return (self.venv / "bin/wkhtmltopdf").exists()

    def _make_wkhtmltopdf(self):
        """Put a wkhtmltopdf that was seen to work beside the Python of Odoo."""
        if platform.machine() == "x86_64":
            program = self.venv / "bin/wkhtmltopdf-pack"
            libraries = run(["ldd", program], "ldd could not be run", self.log)
            missing = re.findall(r"(\S+) => not found", libraries)
            if packages := sorted({LIBRARIES.get(name, name) for name in missing}):
                self.apt.install(packages)
        else:
            # Without patched Qt: it prints no headers and one document at a time.
            if not shutil.which("wkhtmltopdf"):
                self.apt.install(["wkhtmltopdf"])
            program = Path(shutil.which("wkhtmltopdf"))
        _check_wkhtmltopdf(program, self.log)
        (self.venv / "bin/wkhtmltopdf").symlink_to(program)

    def _has_cluster(self):
        return not self.postgres.private or self.postgres.exists()

    def _make_cluster(self):
        self.postgres.make()


def main(arguments):
    """Prepare everything, or stop what runs."""
    parser = argparse.ArgumentParser(
        prog="bin/provision",
        description="Prepare Odoo 19 and all that the project's commands need.",
        epilog="LEAD_INVOICING_CACHE: where it is kept."
        " LEAD_INVOICING_ODOO: an Odoo 19 that is already here (a checkout, an"
        " installed package or an executable); LEAD_INVOICING_PYTHON: its Python."
        " PGHOST and the like: the PostgreSQL server to use.",
    )
    parser.add_argument(
        "--update", action="store_true", help="take the Odoo that Debian has now"
    )
    parser.add_argument(
        "--stop", action="store_true", help="stop the private PostgreSQL cluster"
    )
    options = parser.parse_args(arguments)
    env = Environment()
    if options.stop:
        env.postgres.stop()
    elif env.provision(update=options.update):
        say(f"Odoo {env.odoo.version} is ready in {env.cache}.")
    return 0


def _cache_directory():
    if path := os.environ.get("LEAD_INVOICING_CACHE"):
        return Path(path).expanduser().absolute()
    if os.geteuid() == 0:
        # Not in root's home: PostgreSQL runs as another user and must get there.
        return Path("/var/cache/lead-invoicing")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lead-invoicing"


def has_venv(directory):
    """Tell whether it is complete, and the Python it was made of still there."""
    python = (directory / "bin/python").resolve()
    packages = directory / "lib" / python.name
    return (directory / "complete").exists() and packages.exists()


def _find_interpreter():
    """Return a Python that Odoo 19 runs on and that can make environments, or None."""
    names = ["/usr/bin/python3", *(f"python3.{minor}" for minor in (12, 11, 13, 10))]
    check = (
        "import ensurepip, sys, venv;"
        " sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))"
    )
    for python in filter(None, map(shutil.which, [*names, sys.executable])):
        if not subprocess.run([python, "-c", check], capture_output=True).returncode:
            return python
    return None


def _check_wkhtmltopdf(program, log):
    """Print one page with a header, to see that fonts and libraries are there."""
    failing = "wkhtmltopdf does not work"
    with tempfile.TemporaryDirectory() as directory:
        page, header, pdf = (
            Path(directory) / name for name in ("page.html", "header.html", "page.pdf")
        )
        page.write_text("<!DOCTYPE html><p>printed</p>")
        header.write_text("<!DOCTYPE html><p>heading</p>")
        patched = "with patched qt" in run([program, "--version"], failing, log)
        options = ["--margin-top", "20mm", "--header-html", header] if patched else []
        environment = {**os.environ, "XDG_RUNTIME_DIR": directory}
        command = [program, "--quiet", *options, page, pdf]
        run(command, failing, log, env=environment)
        text = run(["pdftotext", pdf, "-"], failing, log)
    if "printed" not in text or (patched and "heading" not in text):
        raise Failure(f"{failing}: the text of a page is not in its PDF.")
