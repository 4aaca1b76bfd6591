"""Kill the billing server in mid-run, again and again: nothing twice, nothing lost.

A real Odoo server bills a part of the sample by its scheduled action and is killed
(SIGKILL, its whole process group) at random moments; each time the database is checked
in SQL, then the server is started again. At last it may finish, and all must add up.
"""

import random
import time

from dev.acceptance import check, progress, sample
from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say

# Open transactions of others that have written something.
WRITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND backend_xid IS NOT NULL
       AND pid != pg_backend_pid()
"""
# Documents of a run that no transaction points to: billed by nobody.
EMPTY_DOCUMENTS = """
    SELECT count(*) FROM account_move AS move
     WHERE lead_run_id IS NOT NULL
       AND NOT EXISTS (
           SELECT FROM account_move_line AS line
             JOIN lead_sale AS sale ON sale.invoice_line_id = line.id
            WHERE line.move_id = move.id
       )
"""


def add_arguments(parser):
    parser.add_argument("--kills", type=int, default=10, help="how often (default 10)")
    parser.add_argument("--buyers", type=int, default=400, help="default 400")
    parser.add_argument("--seed", type=int, help="repeat the moments of an earlier run")
    parser.add_argument("--keep", action="store_true", help="keep the database")


def run(options):
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    say(f"random seed {seed}")
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    name = environment.new_database_name("lead_invoicing_crash")
    instance = Instance(environment, name)
    try:
        instance.install()
        instance.call("load", {"buyers": options.buyers})
        kill_again_and_again(instance, options.kills, random.Random(seed))
        finish(instance, options.buyers)
    finally:
        instance.stop()
        if not options.keep:
            instance.drop()
    if not options.keep:
        instance.forget()
    print(f"{options.kills} kills: nothing billed twice, nothing lost.", flush=True)
    return 0


def kill_again_and_again(instance, kills, chance):
    row = "{:>4} {:>9} {:>10} {:>8} {:>7}  {}"
    print(row.format("kill", "documents", "billed", "of", "writing", "state"))
    total = instance.rows("SELECT count(*) FROM lead_sale")[0][0]
    for number in range(1, kills + 1):
        writing = start_and_kill(instance, chance)
        figures = progress.get_progress(instance)
        if progress.is_billed(figures):
            raise Failure(f"all was billed after {number} kills; take more --buyers.")
        check_consistent(instance)
        counts = (number, figures["documents"], figures["billed"], total, writing)
        print(row.format(*counts, "consistent"), flush=True)


def start_and_kill(instance, chance):
    """Kill the server some time after it began to bill; tell whether it was writing."""
    before = progress.get_progress(instance)["billed"]
    instance.start(http=False)

    def has_moved(figures):
        return figures["billed"] > before or progress.is_billed(figures)

    progress.wait(instance, has_moved, "waiting for the first batch", pause=0.1)
    time.sleep(chance.uniform(0, 3))
    writing = instance.rows(WRITING)[0][0]
    instance.kill()
    wait_for_backends(instance)
    return "yes" if writing != "0" else "no"


def wait_for_backends(instance):
    """PostgreSQL notices the death of a client when it next talks to it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if instance.rows(WRITING)[0][0] == "0":
            return
        time.sleep(0.2)
    raise Failure("a database session of a killed server did not end.")


def check_consistent(instance):
    """Whatever is committed adds up at every moment, not only at the end."""
    problems = check.find_untied(instance)
    empty = instance.rows(EMPTY_DOCUMENTS)[0][0]
    if empty != "0":
        problems.append(f"{empty} documents bill nothing")
    if problems:
        raise Failure("after a kill: " + "; ".join(problems))


def finish(instance, buyers):
    instance.start(http=False)
    progress.wait(instance, progress.is_billed, "finishing")
    instance.stop()
    check_consistent(instance)
    check.check_billing(instance, sample.choose_rows(buyers))
