"""Invoice the same buyers manually and by schedule at the same moment: once each.

Two Odoo processes, one pressing the wizard's button for forty buyers or half of them,
one running the scheduled action on their cycle, which is due; again and again with
other buyers and random delays. After each round all documents are compared with their
transactions, and at last the whole sample must be billed once.
"""

import random
import shutil
import time

from dev.acceptance import check, progress, sample
from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say
from dev.stress.crash import check_consistent

GROUP = 40  # as in `by_hand`
ROLES = ("clerk", "schedule")
PATIENCE = 300
SPREAD = 0.5  # seconds between the two, at most

# Of the last round: documents made manually, by schedule.
SHARES = """
    SELECT count(*) FILTER (WHERE run.cycle_id IS NULL),
           count(*) FILTER (WHERE run.cycle_id IS NOT NULL)
      FROM account_move AS move
      JOIN lead_invoice_run AS run ON run.id = move.lead_run_id
     WHERE move.id > {after}
"""
LAST_DOCUMENT = "SELECT coalesce(max(id), 0) FROM account_move"

# What PostgreSQL says when two transactions met; one of them is then tried again.
MEETING = "could not serialize access"

ROW = "{:>5} {:>8} {:>10} {:>8} {:>12} {:>9}  {}"
HEAD = (
    "round",
    "clerk s",
    "schedule s",
    "manually",
    "by schedule",
    "meetings",
    "clerk",
)


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=10, help="default 10")
    parser.add_argument("--seed", type=int, help="repeat the delays of an earlier run")
    parser.add_argument("--keep", action="store_true", help="keep the database")


def run(options):
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    say(f"random seed {seed}")
    chance = random.Random(seed)
    delays = {
        role: [round(chance.uniform(0, SPREAD), 2) for _round in range(options.rounds)]
        for role in ROLES
    }
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    name = environment.new_database_name("lead_invoicing_race")
    instance = Instance(environment, name)
    buyers = GROUP * options.rounds
    racers = []
    try:
        instance.install()
        instance.call("load", {"buyers": buyers, "schedule": False})
        folder = instance.folder / "signs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for role in ROLES:
            racers.append(start_racer(instance, role, delays[role], folder))
        race(instance, racers, delays, folder)
        finish(instance, buyers)
    finally:
        for racer in racers:
            racer.kill()
        instance.stop()
        if not options.keep:
            instance.drop()
    if not options.keep:
        instance.forget()
    print(f"{options.rounds} rounds: everything is billed once.", flush=True)
    return 0


def start_racer(instance, role, delays, folder):
    options = {"role": role, "delays": delays, "folder": str(folder)}
    return instance.start_call("contend", options, module="dev.stress.by_hand")


def race(instance, racers, delays, folder):
    print(ROW.format(*HEAD))
    for number in range(len(delays["clerk"])):
        instance.call("make_due", {"number": number}, module="dev.stress.by_hand")
        after = instance.rows(LAST_DOCUMENT)[0][0]
        met = instance.log.read_text(errors="replace").count(MEETING)
        wait_for(racers, folder, f"ready-{number}")
        start = folder / f"start-{number}.new"
        start.write_text(str(time.time() + 0.1))
        start.rename(folder / f"start-{number}")
        wait_for(racers, folder, f"done-{number}")
        check_consistent(instance)
        shares = instance.rows(SHARES.format(after=after))[0]
        met = instance.log.read_text(errors="replace").count(MEETING) - met
        said = (folder / f"done-{number}-clerk").read_text()
        waits = [delays[role][number] for role in ROLES]
        print(ROW.format(number + 1, *waits, *shares, met, said), flush=True)


def wait_for(racers, folder, name):
    """Wait until both processes have given a sign."""
    deadline = time.monotonic() + PATIENCE
    while not all((folder / f"{name}-{role}").exists() for role in ROLES):
        if any(racer.poll() for racer in racers):
            raise Failure("one of the two processes failed; Odoo's log says why.")
        if time.monotonic() > deadline:
            raise Failure(f"after {PATIENCE} s there is no sign {name}.")
        time.sleep(0.02)


def finish(instance, buyers):
    """Let the server work off what is left, and compare all of it."""
    instance.start(http=False)
    progress.wait(instance, progress.is_billed, "finishing")
    instance.stop()
    check_consistent(instance)
    check.check_billing(instance, sample.choose_rows(buyers))
