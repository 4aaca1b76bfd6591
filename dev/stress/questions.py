"""Questions that are asked within Odoo, of ten thousand leads and of a million.

Two databases with ten thousand buyers and their documents; what counts is the median of
several times, and how many queries a question takes.
"""

import json
import statistics
import time

from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.stress import screens

ROW = "{:<34} {:>10} {:>10} {:>7} {:>9}"


def run(options, name, measure, addons=()):
    """Fill both databases, and print what each question takes in them.

    :param name: of the databases
    :param measure: the module whose `measure(env, options)` asks, see :func:`ask`
    :param addons: installed besides, before they are filled
    """
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    sizes = [int(size) for size in options.sizes.split(",")]
    instances = [
        Instance(environment, f"lead_invoicing_{name}_{size}") for size in sizes
    ]
    try:
        results = [
            _measure_one(instance, options, leads, measure, addons)
            for instance, leads in zip(instances, sizes, strict=True)
        ]
        _print_results(sizes, results)
    finally:
        for instance in instances:
            if not options.keep:
                instance.drop()
    return 0


def _measure_one(instance, options, leads, measure, addons):
    """Return {title: (seconds, queries)} of one database."""
    if not (options.again and instance.exists()):
        screens.fill(instance, {"buyers": options.buyers, "leads": leads})
        if addons:
            instance.install_addon(*addons)
    path = instance.folder / "answers.json"
    asked = {"times": options.times, "path": str(path)}
    instance.call("measure", asked, module=measure)
    return json.loads(path.read_text())


def _print_results(sizes, results):
    print(ROW.format("milliseconds", *(f"{size:,}" for size in sizes), "ratio", "SQL"))
    for title in results[0]:
        (small, _few), (large, queries) = (result[title] for result in results)
        numbers = [f"{1000 * value:.0f}" for value in (small, large)]
        print(ROW.format(title, *numbers, f"{large / small:.1f}", queries), flush=True)


def ask(env, options, questions):
    """Write what each question takes to a file. Runs in `odoo shell`.

    :param questions: {title: function without arguments}
    """
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
