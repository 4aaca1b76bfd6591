"""Read the Invoicing Report from a streaming replica, and prove that it answered.

The whole private cluster is copied, with every database that was kept in it, so that
for a while it takes its disk space twice. The copy follows it, and Odoo is told to read
from it. The replica logs what it is asked. At last it is held back: a lead sold
meanwhile is not in the report, and is there when the replica has caught up.
"""

import time

from dev.environment.postgres import Replica
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say, step
from dev.stress import ledger
from dev.stress.browser import Browser
from dev.stress.report import URL, days

ROWS = 2000
ROW = "{:<28} {:>12} {:>12}"
COUNT = "SELECT count(*) FROM lead_sale"
RETRIED = "retrying with a read/write cursor"
SELL = """
    INSERT INTO lead_sale (
        external_ref, transaction_type, partner_id, commercial_partner_id, lead_type_id,
        company_id, currency_id, price, amount, date, create_date, create_uid)
    SELECT 'late', 'sale', partner_id, commercial_partner_id, lead_type_id, company_id,
           currency_id, 1, 1, date, now(), 1
      FROM lead_sale WHERE transaction_type = 'sale' LIMIT 1
"""


def add_arguments(parser):
    parser.add_argument("--keep", action="store_true", help="keep the database")


def run(options):
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    if not environment.postgres.private:
        raise Failure(
            "a replica is made of the project's own PostgreSQL cluster only; unset"
            " PGHOST."
        )
    name = environment.new_database_name("replica")
    replica = Replica(
        environment.postgres, environment.cache / name, environment.free_port()
    )
    with ledger.world(environment, "replica", options.keep) as instance:
        ledger.fill(instance, ROWS, 0)
        try:
            with step("copying the cluster"):
                replica.make()
            read_from(instance, replica)
        finally:
            replica.remove()
    return 0


def read_from(instance, replica):
    count = instance.execute(COUNT, instance.database)
    wait_for(instance, COUNT, count, "the replica to follow", replica)
    instance.start("--db_replica_host=127.0.0.1", f"--db_replica_port={replica.port}")
    browser = Browser(instance, ledger.LOGIN, ledger.PASSWORD)
    period = days(ROWS, ROWS)
    print(ROW.format("request", "ms", "asked there"))
    for path in (URL, f"{URL}/csv", f"{URL}/xlsx", f"{URL}/pdf"):
        asked = count_questions(instance, replica)
        taken = browser.get(path, **period).total
        asked = count_questions(instance, replica) - asked
        print(ROW.format(path, f"{1000 * taken:.0f}", asked), flush=True)
        if not asked:
            raise Failure(f"the replica was not asked for {path}.")
    hold_back(instance, replica, browser, period)
    if RETRIED in instance.log.read_text():
        raise Failure(f"a request was repeated on the primary; see {instance.log}.")
    print("No request was repeated on the primary.", flush=True)


def hold_back(instance, replica, browser, period):
    """Show that the answers are the replica's: it knows only what it was told."""
    before = count_rows(browser, period)
    replica.execute_as_owner("SELECT pg_wal_replay_pause()")
    instance.execute(SELL)
    during = count_rows(browser, period)
    replica.execute_as_owner("SELECT pg_wal_replay_resume()")
    query = "SELECT count(*) FROM lead_sale WHERE external_ref = 'late'"
    wait_for(instance, query, "1", "the replica to catch up", replica)
    after = count_rows(browser, period)
    print(
        f"Rows reported: {before}; {during} after one more was sold while the replica"
        f" was held back; {after} when it had caught up.",
        flush=True,
    )
    if (before, during, after) != (before, before, before + 1):
        raise Failure("the answers were not the replica's.")


def count_questions(instance, replica):
    """Return how many statements about leads the replica has logged."""
    mark = f"{instance.database} "
    with replica.log.open(errors="replace") as log:
        text = log.read()
    entries = text.split(f"\n{mark}")
    return sum("lead_sale" in entry for entry in entries)


def count_rows(browser, period):
    """Return the number of rows as the closing line of the CSV says it."""
    tail = browser.get(f"{URL}/csv", **period).tail.decode()
    return int(tail.rpartition("Rows,")[2])


def wait_for(instance, query, expected, what, replica=None):
    say(f"waiting for {what}")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (replica or instance).execute(query, instance.database) == expected:
            return
        time.sleep(0.2)
    raise Failure(f"waiting for {what} took too long.")
