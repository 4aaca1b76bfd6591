"""One database of the provisioned Odoo, and at most one server that works on it."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from dev.environment.provision import ROOT
from dev.environment.shell import Failure

# What `odoo shell` reads: call one function of a module here.
INSIDE = """
import json, sys
sys.path.insert(0, {root!r})
from {package} import {module}
{module}.{function}(env, json.loads({options!r}))
"""

# Each entry of Odoo's log begins with its time, and goes on for any number of lines.
ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,)", re.MULTILINE)
ERROR = re.compile(r"\S+ \S+ \d+ (ERROR|CRITICAL) ")


class Instance:
    """A database and its server, in a folder of its own for logs and results."""

    def __init__(self, environment, database, port=None):
        self.environment = environment
        self.database = database
        self.folder = environment.cache / "demo" / environment.checkout / database
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "odoo.log"
        self.port = port or environment.free_port()
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def execute(self, query, database=None):
        return self.environment.postgres.execute(query, database or self.database)

    def rows(self, query):
        """Return the rows of a query, as tuples of text."""
        return [tuple(line.split("|")) for line in self.execute(query).splitlines()]

    def exists(self):
        # In a pattern, the underscore stands for any character.
        pattern = self.database.replace("_", r"\_")
        return bool(self.environment.postgres.databases(pattern))

    def install(self):
        """Make a fresh database with the addon in it."""
        self.drop()
        self.log.unlink(missing_ok=True)
        self.environment.create_database(self.database)
        arguments = ["-i", "lead_invoicing", "--stop-after-init", "--no-http"]
        self._run(self._command(*arguments), "The addon could not be installed")

    def install_addon(self, *names):
        """Install further addons into the database."""
        arguments = ["-i", ",".join(names), "--stop-after-init", "--no-http"]
        self._run(self._command(*arguments), "The addons could not be installed")

    def drop(self):
        """Drop the database; the log stays, for whoever asks why something failed."""
        self.environment.drop_database(self.database)

    def forget(self):
        """Remove the logs and results, too."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, function, options=None, module="dev.acceptance.load"):
        """Run a function of a module inside Odoo; what it says is shown."""
        text = self._get_call(function, options, module)
        self._run(self._shell(), f"The step '{function}' failed inside Odoo", text)

    def start_call(self, function, options=None, module="dev.acceptance.load"):
        """Start such a call in a process of its own, and return the process."""
        process = subprocess.Popen(
            self._shell(),
            env=self._variables(),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        process.stdin.write(self._get_call(function, options, module))
        process.stdin.close()
        return process

    def _shell(self):
        return self.environment.odoo_command(
            "shell", "-d", self.database, "--no-http", f"--logfile={self.log}"
        )

    @staticmethod
    def _get_call(function, options=None, module="dev.acceptance.load"):
        """Return what `odoo shell` has to read to call a function of a module."""
        package, _dot, name = module.rpartition(".")
        return INSIDE.format(
            root=str(ROOT),
            package=package,
            module=name,
            function=function,
            options=json.dumps(options or {}),
        )

    def _command(self, *arguments):
        return self.environment.odoo_command(
            "-d", self.database, f"--logfile={self.log}", *arguments
        )

    def _run(self, command, failing, text=""):
        """Run Odoo to its end; what it complains about goes to its log."""
        with self.log.open("a") as log:
            result = subprocess.run(
                command,
                env=self._variables(),
                input=text,
                stderr=log,
                text=True,
                check=False,
            )
        if result.returncode:
            raise Failure(f"{failing}: {self._get_reason()} (in {self.log})")

    def _get_reason(self):
        """Return the line of the log that tells most: the last with an error."""
        lines = self.log.read_text(errors="replace").strip().split("\n")
        errors = [line for line in lines if "Error" in line or " ERROR " in line]
        return (errors or lines)[-1].strip()

    def _variables(self):
        # Odoo wakes its cron workers at once when a job has more to do, instead of
        # within a minute.
        return self.environment.variables() | {"ODOO_NOTIFY_CRON_CHANGES": "1"}

    def start(self, *more_arguments, http=True):
        """Start the server with its scheduler and wait until it answers.

        It is the leader of a process group of its own: what it starts ends with it.
        """
        arguments = ["--workers=0", "--max-cron-threads=2"]
        arguments.append(f"--db-filter=^{self.database}$")
        arguments.append(f"--http-port={self.port}" if http else "--no-http")
        self.process = subprocess.Popen(
            self._command(*arguments, *more_arguments),
            env=self._variables(),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if http:
            self._wait_for_answer()

    def _wait_for_answer(self):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            self.check_running()
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"{self.url}/web/health", timeout=5),
            ):
                return
            time.sleep(0.2)
        raise Failure(f"Odoo does not answer at {self.url}; its log is {self.log}.")

    def check_running(self):
        if self.process and self.process.poll() is not None:
            raise Failure(f"Odoo has ended by itself; its log is {self.log}.")

    def stop(self):
        """Stop the server as Ctrl-C would, and for good if it does not listen."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self):
        """Kill the server and all it started, in mid-work: SIGKILL, no goodbye."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def count_errors(self):
        """Return how many errors Odoo has logged.

        Not those of two transactions that met, one of which is then tried again:
        Odoo logs them as well.
        """
        if not self.log.exists():
            return 0
        entries = ENTRY.split(self.log.read_text(errors="replace"))
        return sum(
            bool(ERROR.match(entry)) and "could not serialize access" not in entry
            for entry in entries
        )

    def resident_mb(self):
        """Return the server's memory: resident, in megabytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_seconds(self):
        """Return the processor time that the server has used, in seconds."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        # After the name in brackets; user and system time are fields 14 and 15.
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
