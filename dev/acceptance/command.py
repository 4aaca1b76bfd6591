"""`bin/demo`: from nothing to a year and a half of lead sales, billed and mailed."""

import argparse
import contextlib
import time
from datetime import datetime, timezone

from dev.acceptance import check, progress, sample, summary
from dev.acceptance.instance import Instance
from dev.acceptance.mail_catching import Catcher
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say

DATABASE = "lead_invoicing_demo"

DOCUMENTS_TO_MAIL = """
    SELECT count(*)
      FROM account_move AS move
      JOIN lead_invoice_run AS run ON run.id = move.lead_run_id
      JOIN lead_billing_cycle AS cycle ON cycle.id = run.cycle_id
     WHERE move.state = 'posted' AND cycle.posting = 'send'
"""


def main(arguments):
    options = parse(arguments)
    demo = Demo(options)
    with contextlib.closing(demo):
        if options.check:
            demo.check_only()
        else:
            demo.run()
    return 0


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="bin/demo",
        description="Bill a year and a half of lead sales in a real Odoo: provision it,"
        " install the addon into a fresh database, record the sample, let the scheduled"
        " action make every invoice, mail some, compare the result with what it must"
        " be, and serve it until stopped.",
    )
    add = parser.add_argument
    add("--no-serve", action="store_true", help="end after the table")
    add("--keep", action="store_true", help="serve the database of the last run")
    add("--check", action="store_true", help="only compare the last run's database")
    add("--mails", type=int, default=40, help="mail at most so many (default 40)")
    add("--mail-all", action="store_true", help="mail every document; takes long")
    add("--buyers", type=int, help="take only so many of the sample's 2,349 buyers")
    add("--db", default=DATABASE, help=f"name of the database (default {DATABASE})")
    add("--port", type=int, help="port of the web server (default: a free one)")
    add("--smtp-server", help="send to this mail server instead of the catcher")
    add("--smtp-port", type=int, default=25)
    options = parser.parse_args(arguments)
    if options.buyers is not None and options.buyers < 1:
        parser.error("--buyers takes a number above 0")
    return options


class Demo:
    """One run of the command: its stages, what they took, what they started."""

    def __init__(self, options):
        self.options = options
        self.environment = Environment()
        self.seconds = {}
        self.instance = None
        self.catcher = None

    def run(self):
        with self.stage("provisioning"):
            self.provision()
        if self.options.keep:
            self.require_database()
        else:
            self.require_clock()
            with self.stage("installing"):
                self.instance.install()
            with self.stage("recording"):
                self.record()
        self.catch_mails()
        if not self.options.keep:
            self.bill()
            self.check()
            self.leave_work()
        self.print_table()
        if not self.options.no_serve:
            self.serve()

    def check_only(self):
        self.provision()
        self.require_database()
        self.compare()

    @contextlib.contextmanager
    def stage(self, title):
        say(f"{title} …")
        started = time.monotonic()
        yield
        self.seconds[title] = time.monotonic() - started
        say(f"{title}: {self.seconds[title]:.1f} s")

    # Stages

    def provision(self):
        self.environment.provision()
        self.environment.postgres.start()
        self.instance = Instance(
            self.environment, self.options.db, port=self.options.port
        )

    def require_database(self):
        if not self.instance.exists():
            raise Failure(
                f"there is no database {self.options.db}; run bin/demo without --keep"
                " or --check first."
            )

    def require_clock(self):
        last = max(row["occurred_at"] for row in sample.read_rows())
        if datetime.now(timezone.utc).isoformat() < last:
            raise Failure(
                f"the sample ends on {last[:10]}, which is in the future for this"
                " machine's clock; set the clock."
            )

    def record(self):
        mails = None if self.options.mail_all else self.options.mails
        self.instance.call("load", {"buyers": self.options.buyers, "mails": mails})

    def catch_mails(self):
        """Have the mails caught, or sent where the user said, and serve Odoo."""
        server, port = self.options.smtp_server, self.options.smtp_port
        self.catcher = Catcher(self.environment, self.instance.folder)
        if not server:
            self.catcher.start(fresh=not self.options.keep)
            server, port = "127.0.0.1", self.catcher.port
        addresses = {"smtp_server": server, "smtp_port": int(port)}
        self.instance.call("set_addresses", addresses | {"url": self.instance.url})
        self.instance.start()

    def bill(self):
        with self.stage("billing by the scheduled action"):
            progress.wait(self.instance, progress.is_billed, "billing")
        with self.stage("mailing what was left"):
            progress.wait(self.instance, progress.is_sent, "mailing")

    def check(self):
        with self.stage("checking"):
            self.compare()
            self.check_mails()
        with self.stage("billing a second time"):
            self.bill_again()

    def compare(self):
        buyers = self.options.buyers
        rows = sample.choose_rows(buyers) if buyers else None
        check.check_billing(self.instance, rows)
        self.instance.call("check", module="dev.acceptance.reports")

    def check_mails(self):
        """What is said to be sent must have arrived."""
        if not self.options.smtp_server:
            expected = int(self.instance.rows(DOCUMENTS_TO_MAIL)[0][0])
            arrived = self.catcher.count("mails")
            if arrived != expected:
                raise Failure(
                    f"{expected} documents were to be mailed, {arrived} mails arrived."
                )
            if twice := self.catcher.find_twice():
                raise Failure(f"mailed more than once: {', '.join(twice)}.")
            say(f"Every document that was to be mailed has arrived once: {arrived}.")

    def bill_again(self):
        """Ask for every window once more: not one document may come of it."""
        before = progress.get_progress(self.instance)
        self.instance.call("restart_billing")
        after = progress.wait(self.instance, progress.is_billed, "billing again")
        if before != after:
            raise Failure(f"a second run billed something: {before}, then {after}.")
        say("A second run of the scheduled action over all windows billed nothing.")

    def leave_work(self):
        """Record what a clerk finds in the morning: recent leads, and exceptions."""
        with self.stage("leaving work for the clerk"):
            options = {"buyers": self.options.buyers}
            self.instance.call(
                "leave_work", options, module="dev.acceptance.exceptions"
            )
            progress.wait(self.instance, progress.is_billed, "billing the last window")
            progress.wait(self.instance, progress.is_sent, "mailing it")

    # Result

    def print_table(self):
        lines = summary.get_lines(self.instance) + summary.get_open_lines(self.instance)
        if not self.options.smtp_server:
            lines.append(("mails", self.catcher.count("mails"), ""))
            lines.append(("PDF files", self.catcher.count("pdf"), ""))
        lines.append(("errors in Odoo's log", self.instance.count_errors(), ""))
        print()
        summary.print_lines(lines)
        for title, seconds in self.seconds.items():
            print(f"{title:<34}{seconds:>8.1f} s")
        print(f"{'in all':<34}{sum(self.seconds.values()):>8.1f} s")
        print()
        if not self.options.smtp_server:
            print(f"mails      {self.catcher.folder / 'mails'}")
            print(f"PDF files  {self.catcher.folder / 'pdf'}")
        print(f"Odoo's log {self.instance.log}", flush=True)

    def serve(self):
        print(
            f"Odoo is at {self.instance.url}, user admin, password admin; a buyer's"
            f" portal at {self.instance.url}/my, user buyer, password buyer. Ctrl-C"
            " stops it.",
            flush=True,
        )
        while True:
            self.instance.check_running()
            time.sleep(1)

    def close(self):
        """Stop all that was started, except the database server."""
        if self.instance:
            self.instance.stop()
        if self.catcher:
            self.catcher.stop()
