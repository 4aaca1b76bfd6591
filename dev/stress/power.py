"""Measure what a thousand buyers can spend, and the list of all buyers' balances.

Two databases with ten thousand buyers and their documents, the one with ten thousand
leads, the other with a million: `lead_buying_power` for a thousand references, and the
balances of a page of 80 buyers and of all, each asked within Odoo. What counts is the
median of several times.
"""

import json
import statistics
import time

from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.stress import screens

REFS = 1_000
PAGE = 80
ROW = "{:<34} {:>10} {:>10} {:>7} {:>9}"


def add_arguments(parser):
    screens.add_arguments(parser)


def run(options):
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    sizes = [int(size) for size in options.sizes.split(",")]
    instances = [Instance(environment, f"lead_invoicing_power_{n}") for n in sizes]
    try:
        results = [
            measure_one(instance, options, leads)
            for instance, leads in zip(instances, sizes, strict=True)
        ]
        print_results(sizes, results)
    finally:
        for instance in instances:
            if not options.keep:
                instance.drop()
    return 0


def print_results(sizes, results):
    print(ROW.format("milliseconds", *(f"{size:,}" for size in sizes), "ratio", "SQL"))
    for title in results[0]:
        (small, _few), (large, queries) = (result[title] for result in results)
        numbers = [f"{1000 * value:.0f}" for value in (small, large)]
        print(ROW.format(title, *numbers, f"{large / small:.1f}", queries), flush=True)


def measure_one(instance, options, leads):
    """Return {title: (seconds, queries)} of one database."""
    if not (options.again and instance.exists()):
        screens.fill(instance, {"buyers": options.buyers, "leads": leads})
    path = instance.folder / "power.json"
    instance.call(
        "measure",
        {"times": options.times, "path": str(path)},
        module="dev.stress.power",
    )
    return json.loads(path.read_text())


def measure(env, options):
    """Write what each question takes to a file. Runs in `odoo shell`."""
    buyers = env["res.partner"].search([("ref", "=like", "BOOKS%")], order="id")
    refs = buyers[:REFS].mapped("ref")
    questions = {
        f"buying power of {REFS:,} buyers": lambda: buyers.lead_buying_power(refs),
        f"balances of {PAGE} buyers": lambda: buyers[:PAGE].mapped("lead_exposure"),
        f"balances of {len(buyers):,} buyers": lambda: buyers.mapped("lead_exposure"),
    }
    results = {}
    for title, question in questions.items():
        seconds = []
        # Once more than is counted: the first one compiles and caches.
        for _number in range(options["times"] + 1):
            env.invalidate_all()
            before, started = env.cr.sql_log_count, time.monotonic()
            question()
            seconds.append(time.monotonic() - started)
            queries = env.cr.sql_log_count - before
        results[title] = (statistics.median(seconds[1:]), queries)
    with open(options["path"], "w") as file:
        json.dump(results, file)
