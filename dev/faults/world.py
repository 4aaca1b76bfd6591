"""A small company in a real Odoo, whose servers, database, mail and paper can fail."""

import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from dev.acceptance import progress
from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.environment.shell import Failure
from dev.faults.judging import find_errors, find_faults, find_wrong_mails
from dev.faults.mail import MailServer
from dev.faults.printer import Printer

PATIENCE = 180
FILE_LIMIT = 8192

# What is still to be done, and by whom.
LEFT = """
    SELECT (SELECT count(*) FROM lead_billing_cycle
             WHERE next_generation_at <= now() AT TIME ZONE 'UTC'),
           (SELECT count(*) FROM lead_invoice_run_buyer WHERE state = 'todo'),
           (SELECT count(*) FROM lead_invoice_run WHERE state = 'running'),
           (SELECT count(*) FROM account_move WHERE sending_data IS NOT NULL),
           (SELECT count(*) FROM mail_mail WHERE state = 'outgoing'),
           (SELECT count(*) FROM account_move WHERE lead_delivery_state = 'to_send')
"""
LEFT_NAMES = (
    "due cycles",
    "buyers to do",
    "running runs",
    "to print",
    "mails",
    "to send",
)
# What goes on after invoicing.
SENDING = ("to print", "mails", "to send")
# Mails that were handed over, although what was written of it was lost with a process.
STILL_OUTGOING = """
    SELECT message.message_id FROM mail_mail AS mail
      JOIN mail_message AS message ON message.id = mail.mail_message_id
     WHERE mail.state = 'outgoing'
"""
# Transactions that have written something and are not over.
WRITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE backend_xid IS NOT NULL AND datname = current_database()
       AND pid != pg_backend_pid()
"""
# How much a test has had to do with.
SIZE = """
    SELECT (SELECT count(*) FROM lead_sale),
           (SELECT count(*) FROM account_move WHERE lead_run_id IS NOT NULL)
"""
# Let a share of the transactions that write to what others write to as well fail, as if
# another one had been faster: where PostgreSQL itself would say so, at the statement.
PROVOKE = """
    CREATE SEQUENCE IF NOT EXISTS faults_provoked;
    CREATE TABLE IF NOT EXISTS faults_chance (percent int);
    DELETE FROM faults_chance;
    INSERT INTO faults_chance VALUES ({percent});
    CREATE OR REPLACE FUNCTION faults_provoke() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Once in a transaction and table, or never: what is tried again is another
        -- transaction.
        IF current_setting('application_name') LIKE 'odoo%'
           AND abs(hashtext(txid_current() || TG_TABLE_NAME)) % 1000
               < 10 * (SELECT percent FROM faults_chance)
        THEN
            PERFORM nextval('faults_provoked');
            RAISE EXCEPTION 'could not serialize access: provoked'
                  USING ERRCODE = '40001';
        END IF;
        RETURN NULL;
    END $$;
"""
PROVOKE_TABLE = """
    DROP TRIGGER IF EXISTS faults ON {table};
    CREATE TRIGGER faults AFTER INSERT OR UPDATE OR DELETE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION faults_provoke();
"""
PROVOKED_TABLES = (
    "account_move",
    "account_move_line",
    "lead_billing_cycle",
    "lead_invoice_run",
    "lead_invoice_run_buyer",
    "lead_sale",
    "mail_activity",
    "res_partner",
)


@contextlib.contextmanager
def make_environment():
    """Give the provisioned Odoo with a PostgreSQL of its own, which may be killed."""
    usual = Environment()
    usual.provision()
    usual.postgres.start()
    with usual.apart("faults") as environment:
        yield environment


def copy_database(environment, source, name):
    """Copy a database, with its files.

    By files as well: the way that PostgreSQL takes by default since its version 15
    lets the sequences of the copy go back in a crash, to numbers that are in use.
    """
    environment.postgres.execute(
        f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY file_copy'
    )
    files = environment.data_dir / "filestore"
    if (files / source).exists():
        shutil.copytree(files / source, files / name, copy_function=os.link)


class Server(Instance):
    """One Odoo server on the world's database."""

    def __init__(self, environment, database, printer=None):
        super().__init__(environment, database)
        self.printer = printer
        self.limit_files = False

    def _variables(self):
        variables = super()._variables()
        if self.printer:
            path = f"{self.printer.folder}{os.pathsep}{variables['PATH']}"
            variables["PATH"] = path
        return variables

    def _command(self, *arguments):
        command = super()._command(*arguments)
        if not self.limit_files:
            return command
        # No file can grow beyond that; the log goes through a pipe, which can.
        command.remove(f"--logfile={self.log}")
        limit = f'prlimit --fsize={FILE_LIMIT} "$@" 2>&1 | cat >> "$0"'
        return ["sh", "-c", limit, str(self.log), *command]


class World:
    """A copy of the company, with servers, a mail server and a printer."""

    def __init__(self, environment, template, keys, seed):
        self.environment = environment
        self.keys = keys
        self.chance = random.Random(seed)
        self.database = environment.new_database_name("faults")
        copy_database(environment, template, self.database)
        self.first = Server(environment, self.database)
        self.printer = Printer(environment, self.first.folder)
        self.first.printer = self.printer
        self.servers = []
        self.mail = MailServer(environment.free_port())
        self.mail.start()
        # Documents of which a second mail is forgiven: a process died between the mail
        # server's answer and the commit that writes it down.
        self.forgiven = set()
        self.stopping = threading.Event()
        self.threads = []
        # What those who work beside the test were answered wrongly.
        self.complaints = []
        self.figures = Counter()
        self.execute(f"UPDATE ir_mail_server SET smtp_port = {self.mail.port}")

    # Servers

    def start(self, count=1, *, limit_files=False):
        """Start so many servers, each with its scheduler.

        :param limit_files: let no file grow, as on a full disk
        """
        for number in range(count):
            server = self.first
            if number:
                server = Server(self.environment, self.database, self.printer)
            server.limit_files = limit_files
            self.servers.append(server)
            if not number:
                self.execute(
                    f"UPDATE ir_config_parameter SET value = '{server.url}'"
                    " WHERE key IN ('web.base.url', 'report.url')"
                )
            # Odoo would end itself where the machine is too slow for its print jobs.
            server.start("--limit-time-real=0")

    def kill(self):
        """Kill all servers and what they started, in mid-work."""
        self.figures["kills of Odoo"] += 1
        self.figures["amid a transaction"] += bool(self.count_writing())
        self._end_servers()
        self._forgive()

    def _end_servers(self):
        for server in self.servers:
            if server.process:
                server.kill()
        self.servers = []

    def stop(self):
        for server in self.servers:
            server.stop()
        self.servers = []

    def _forgive(self):
        """Note the mails that were taken, and of which nobody could write it down."""
        # PostgreSQL notices the death of a client when it next talks to it.
        self.wait_for(
            lambda: not self.count_writing(), "the end of a killed server's sessions"
        )
        outgoing = {row[0].strip() for row in self.rows(STILL_OUTGOING)}
        lost = {
            document for document, message in self.mail.taken if message in outgoing
        }
        # One job at a time sends mails, and commits after each.
        assert len(lost - self.forgiven) <= 1, f"mailed, and not written down: {lost}"
        self.forgiven |= lost

    def count_writing(self):
        """Return how many transactions have written something and are not over."""
        return int(self.rows(WRITING)[0][0])

    def kill_postgres(self):
        """Kill PostgreSQL: one of its processes, by which all of it restarts, or the
        first of them, after which it is started again.

        Odoo ends with it: its schedulers may have ended with their connections.
        """
        self.figures["kills of PostgreSQL"] += 1
        self.figures["amid a transaction"] += bool(self.count_writing())
        cluster = self.environment.postgres
        main = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
        if self.chance.random() < 0.5:
            os.kill(main, signal.SIGKILL)
            time.sleep(1)
        else:
            found = subprocess.run(
                ["pgrep", "-P", str(main), "-f", self.database],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.split()
            if found:
                os.kill(int(self.chance.choice(found)), signal.SIGKILL)
        # Before it answers again: a mail of which nobody could write down that it was
        # taken would be sent once more, and not be known for one of these.
        self._end_servers()
        self.wait_for(self._restart_postgres, "PostgreSQL")
        self._forgive()

    def _restart_postgres(self):
        with contextlib.suppress(Failure):
            self.environment.postgres.start()
            return self.rows("SELECT 1")

    def close(self):
        self._end_servers()
        self.rest()
        self.mail.stop()
        self.printer.end_hanging()
        self.environment.drop_database(self.database)

    # The database

    def execute(self, query):
        return self.environment.postgres.execute(query, self.database)

    def rows(self, query):
        return [tuple(line.split("|")) for line in self.execute(query).splitlines()]

    def open_books(self, days=29):
        """Make every window of the last days due."""
        self.execute(
            "UPDATE lead_billing_cycle SET next_generation_at ="
            f" now() AT TIME ZONE 'UTC' - interval '{days} days'"
        )
        self.wake()

    def wake(self):
        progress.wake(self.first)

    def pass_an_hour(self):
        """Let an hour go by for what runs once an hour, and for documents that rest
        until the printer has recovered."""
        self.execute(
            "UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC'"
            " WHERE active AND interval_type = 'hours'"
        )
        self.execute(
            "UPDATE account_move SET sending_data = sending_data - 'lead_try_at'"
            " WHERE sending_data ->> 'lead_try_at' IS NOT NULL"
        )
        self.wake()

    def provoke(self, percent, tables=PROVOKED_TABLES):
        """Let so many of a hundred writes to each of these tables fail."""
        self.execute(PROVOKE.format(percent=percent))
        for table in tables:
            self.execute(PROVOKE_TABLE.format(table=table))

    def calm(self):
        """Provoke no more, and return how many transactions were made to fail."""
        self.execute("UPDATE faults_chance SET percent = 0")
        provoked = self.figures["transactions made to fail"] = self.count_provoked()
        return provoked

    def count_provoked(self):
        query = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END"
        return int(self.rows(f"{query} FROM faults_provoked")[0][0])

    # People and programs

    def call(self, user, model, method, **arguments):
        """Call a method as people's programs do; return its answer.

        :raises urllib.error.HTTPError: as Odoo refuses it
        """
        request = urllib.request.Request(
            f"{self.first.url}/json/2/{model}/{method}",
            data=json.dumps(arguments).encode(),
            headers={
                "Authorization": f"bearer {self.keys[user]}",
                "Content-Type": "application/json",
                "X-Odoo-Database": self.database,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            error.msg += f": {error.read().decode(errors='replace')}"
            raise

    def keep_doing(self, act, pause=0.2):
        """Do something again and again beside the test, until :meth:`close`, whatever
        becomes of the server meanwhile."""

        def work():
            while not self.stopping.is_set():
                try:
                    act()
                except (OSError, ValueError, http.client.HTTPException):
                    # Refused, reset, cut off: it is tried again.
                    pass
                except AssertionError as error:
                    self.complaints.append(str(error))
                self.stopping.wait(pause * self.chance.uniform(0.5, 1.5))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.threads.append(thread)

    def rest(self):
        """Let those who work beside the test stop, each after what it does now."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(150)
        self.threads = []

    # Waiting and judging

    def get_left(self):
        left = zip(LEFT_NAMES, map(int, self.rows(LEFT)[0]), strict=True)
        return {name: count for name, count in left if count}

    def finish(self):
        """Wait until everything is invoiced and mailed."""
        self.wait_until_left()

    def wait_until_left(self, *names):
        """Wait until nothing is left to do, or only what is named; as long as it
        becomes less, or other."""
        before, deadline = None, 0.0
        hour = time.monotonic() + 10
        while (left := self.get_left()).keys() - set(names):
            if left != before:
                before, deadline = left, time.monotonic() + PATIENCE
            for server in self.servers:
                server.check_running()
            if time.monotonic() > deadline:
                raise Failure(f"for {PATIENCE} s there has been left: {left}")
            if time.monotonic() > hour:
                hour = time.monotonic() + 10
                self.pass_an_hour()
            else:
                self.wake()
            time.sleep(0.5)

    def wait_for(self, reached, what):
        """Wait until something, a word for which is `what`, has been reached."""
        deadline = time.monotonic() + PATIENCE
        while not reached():
            if time.monotonic() > deadline:
                raise Failure(f"for {PATIENCE} s there was no sign of {what}.")
            time.sleep(0.2)

    def wait_for_work(self, reached, what):
        """Wait until the servers have reached something, woken all the time."""

        def has_reached():
            self.wake()
            return reached()

        self.wait_for(has_reached, what)

    def let_work(self, seconds):
        """Let the servers do what there is to do, for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            # A server that is starting does not hear it at once.
            self.wake()
            time.sleep(min(left, 0.5))

    def has_logged(self, pattern):
        return bool(re.search(pattern, self.first.log.read_text(errors="replace")))

    def assert_right(self, *expected, mailed=None):
        """After whatever was broken: the books hold, every mail went once, and the log
        tells of no other errors than those expected. A server must be running."""
        problems = [
            *(f"answered: {complaint[:300]}" for complaint in self.complaints[:3]),
            *find_faults(self),
            *find_wrong_mails(self, mailed),
            *(f"logged: {entry[:2000]}" for entry in find_errors(self, *expected)),
        ]
        assert not problems, "\n".join(map(str, problems))

    def get_figures(self):
        """Return what the test did, and to how much: {name: number}."""
        leads, documents = map(int, self.rows(SIZE)[0])
        figures = {
            **self.figures,
            "leads": leads,
            "documents": documents,
            "documents mailed": len(self.mail.count_by_document()),
            "mails taken": len(self.mail.taken),
        }
        if any(what.startswith("kills") for what in self.figures):
            figures["taken, not written down for a kill"] = len(self.forgiven)
        return figures


def make_template(environment, buyers, weeks):
    """Make the company once; return its database and its users' keys."""
    name = environment.new_database_name("faults_template")
    instance = Instance(environment, name)
    instance.install()
    keys = Path(instance.folder, "keys.json")
    options = {"buyers": buyers, "weeks": weeks, "keys": str(keys)}
    instance.call("prepare", options, module="dev.faults.inside")
    return instance, json.loads(keys.read_text())
