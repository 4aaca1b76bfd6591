"""The databases: a private PostgreSQL cluster, or the server that PGHOST names."""

import hashlib
import os
import shutil
import stat
from pathlib import Path

from dev.environment.shell import Failure, run, turn

# Odoo refuses to work as `postgres`.
ROLE = "odoo"

# Written when the cluster is made. It is as durable as PostgreSQL comes (fsync and
# synchronous_commit stay on): tests kill Odoo in mid-work and measurements should mean
# something. What is tuned is memory, and checkpoints that installing Odoo and writing
# a million rows would otherwise force every few seconds. It listens on a socket alone,
# in a directory that only its owner enters: no port to be taken, no password to keep.
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{sockets}'
max_connections = 200
shared_buffers = {shared_buffers}MB
effective_cache_size = {cache_size}MB
maintenance_work_mem = 256MB
work_mem = 16MB
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
"""


class Server:
    """The server that the PG* variables of the environment name; never touched."""

    private = False
    psql = "psql"

    def variables(self):
        """Return the PG* variables for whoever connects."""
        return {}

    def start(self):
        """Make sure that it answers."""
        self.execute("SELECT 1")

    def stop(self):
        """Leave it running: it is not ours."""

    def execute(self, query, database="postgres"):
        """Run SQL, outside a transaction, and return the rows as lines of text."""
        failing = "PostgreSQL refused"
        command = [self.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database]
        environment = {**os.environ, **self.variables()}
        return run([*command, "-c", query], failing, env=environment).strip()

    def databases(self, pattern):
        """Return the names of the databases that are LIKE the pattern."""
        query = f"SELECT datname FROM pg_database WHERE datname LIKE '{pattern}'"
        return self.execute(query).splitlines()

    def create(self, name, template=None):
        """Create a database as Odoo does, or as a copy of another."""
        source = f'"{template}"' if template else "template0 LC_COLLATE 'C'"
        self.execute(f"CREATE DATABASE \"{name}\" ENCODING 'unicode' TEMPLATE {source}")

    def rename(self, name, new_name):
        """Rename a database."""
        self.execute(f'ALTER DATABASE "{name}" RENAME TO "{new_name}"')

    def drop(self, name):
        """Drop a database if it is there, whoever is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Cluster(Server):
    """A private cluster, run by the user, or by `postgres` where the user is root.

    :param environment: variables that its programs get beside the user's
    """

    private = True

    def __init__(self, cache, log, environment=()):
        self.environment = dict(environment)
        self.programs = find_programs()
        if self.programs:
            # Not Debian's, a script that looks for it each time.
            self.psql = self.programs / "psql"
        major = self.programs.parent.name if self.programs else "none"
        self.directory = cache / f"postgres-{major}"
        self.data = self.directory / "data"
        self.lock = cache / "postgres.lock"
        self.log = log
        self.owner = "postgres" if os.geteuid() == 0 else None
        self.sockets = self._socket_directory()

    def variables(self):
        """Return the PG* variables for whoever connects."""
        return {
            "PGHOST": str(self.sockets),
            "PGPORT": "5432",
            "PGUSER": ROLE,
            "PGPASSWORD": "",
            "PGSSLMODE": "prefer",
        }

    def exists(self):
        """Tell whether the cluster was made."""
        return bool(self.programs) and (self.directory / "ready").exists()

    def make(self):
        """Make the cluster with its role, and leave it running."""
        self._clear()
        self.directory.mkdir(parents=True)
        if self.owner:
            shutil.chown(self.directory, self.owner)
        self._check_owner_can_enter()
        self._run(
            [
                self.programs / "initdb",
                f"--pgdata={self.data}",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ],
            "The PostgreSQL cluster could not be made",
        )
        with (self.data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(sockets=self.sockets, **_memory_settings()))
        self._start()
        as_owner = ["psql", "-XqU", "postgres", "-h", self.sockets, "-d", "postgres"]
        create = f"CREATE ROLE {ROLE} LOGIN CREATEDB"
        self._run([*as_owner, "-c", create], "The database role could not be made")
        (self.directory / "ready").touch()

    def start(self):
        """Start the cluster unless it runs."""
        if not self._answers():
            with turn(self.lock, "Waiting for PostgreSQL, which is being started."):
                if not self._answers():
                    self._start()

    def stop(self):
        """Stop the cluster if it runs."""
        if self.exists() and self._answers():
            self._control("stop", "--mode=fast")

    def remove(self):
        """Stop the cluster, at once, and remove all that it holds."""
        self._clear()
        if self.sockets.parent != self.directory:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _start(self):
        self._make_socket_directory()
        self._forget_a_server_of_the_past()
        self._control("start", f"--log={self.directory}/server.log", "--timeout=120")

    def _control(self, action, *options):
        command = [self.programs / "pg_ctl", action, "-w", "-s", f"-D{self.data}"]
        self._run([*command, *options], f"PostgreSQL could not be made to {action}")

    def run_program(self, name, *arguments, failing):
        """Run one of PostgreSQL's programs as the cluster's owner."""
        self._run([self.programs / name, *arguments], failing)

    def _answers(self):
        if not (self.sockets / ".s.PGSQL.5432").exists():
            return False
        try:
            self.execute("SELECT 1")
        except Failure:
            return False
        return True

    def _run(self, command, failing):
        as_owner = []
        if self.owner:
            ids = [f"--reuid={self.owner}", f"--regid={self.owner}", "--init-groups"]
            as_owner = ["setpriv", *ids]
        # Only the program itself gets the variables, as its own user.
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        # PostgreSQL's programs want a working directory that their user may enter.
        run([*as_owner, "env", *variables, *command], failing, self.log, cwd="/")

    def _forget_a_server_of_the_past(self):
        """Remove the pid file of a server that a reboot ended.

        Its number may be another program's by now, which PostgreSQL takes for itself.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            pid = pid_file.read_text().split("\n", 1)[0]
            command = Path(f"/proc/{pid}/cmdline")
            if not command.exists() or str(self.data) not in command.read_text():
                pid_file.unlink()

    def _socket_directory(self):
        """Return where the socket goes: beside the data, or where its path fits.

        The kernel takes 107 characters for a socket's whole path.
        """
        beside = self.directory / "sockets"
        if len(str(beside)) < 80:
            return beside
        key = hashlib.sha256(str(beside).encode()).hexdigest()[:12]
        return Path(f"/tmp/lead-invoicing-{key}")

    def _make_socket_directory(self):
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        if self.owner and self.sockets.stat().st_uid == 0:
            shutil.chown(self.sockets, self.owner)
        found = self.sockets.stat()
        expected = self.directory.stat().st_uid
        if found.st_uid != expected or stat.S_IMODE(found.st_mode) & 0o077:
            raise Failure(
                f"The directory {self.sockets} is not PostgreSQL's alone;"
                " remove it, then run it again."
            )

    def _check_owner_can_enter(self):
        try:
            self._run(["test", "-w", self.directory], "")
        except Failure:
            raise Failure(
                f"PostgreSQL runs as {self.owner or 'you'} here, who cannot write into"
                f" {self.directory}; set LEAD_INVOICING_CACHE to a directory that"
                " everybody may enter."
            ) from None

    def _clear(self):
        """Remove what an interrupted attempt left."""
        if (self.data / "postmaster.pid").exists():
            self._forget_a_server_of_the_past()
            if (self.data / "postmaster.pid").exists():
                self._control("stop", "--mode=immediate")
        if self.directory.exists():
            shutil.rmtree(self.directory)


class Replica(Server):
    """A streaming replica of a private cluster, on a port of the loopback interface.

    It logs each statement that it answers, in `log`.
    """

    def __init__(self, primary, directory, port):
        self.primary = primary
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "server.log"
        self.port = port

    def variables(self):
        return {
            **self.primary.variables(),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
        }

    def make(self):
        """Copy the whole cluster, and follow it from then on."""
        self.directory.mkdir(parents=True)
        if self.primary.owner:
            shutil.chown(self.directory, self.primary.owner)
        primary = f"host={self.primary.sockets} user=postgres"
        self.primary.run_program(
            *("pg_basebackup", f"--dbname={primary}", f"--pgdata={self.data}"),
            *("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast"),
            failing="The PostgreSQL cluster could not be copied",
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "log_statement": "all",
            "log_line_prefix": "%d %a ",
        }
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
        self._control("start", f"--log={self.log}", "--timeout=120")

    def execute_as_owner(self, query):
        """Run SQL that only the superuser may."""
        command = ["psql", "-XAtq", "-h", "127.0.0.1", "-p", str(self.port)]
        command += ["-U", "postgres", "-d", "postgres", "-c", query]
        return run(command, "The replica refused").strip()

    def remove(self):
        """Stop it and remove its files."""
        if (self.data / "postmaster.pid").exists():
            self._control("stop", "--mode=immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def _control(self, action, *options):
        self.primary.run_program(
            *("pg_ctl", action, "-w", "-s", f"-D{self.data}", *options),
            failing=f"The replica could not be made to {action}",
        )


def find_programs():
    """Return the directory of PostgreSQL's newest server programs here, or None."""
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return max(found, key=lambda path: int(path.parent.parent.name)).parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _memory_settings():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {"shared_buffers": min(memory // 4, 1024), "cache_size": memory // 2}
