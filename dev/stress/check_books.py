"""Measure Check the Books over a million leads, beside a plain count and sum.

Fills a database with buyers, leads and their documents, asks each rule in turn, and
compares the whole with `SELECT count(*), sum(amount)` over all leads, and with that sum
per document. What counts is the best of several times. The books are written in SQL and
not whole in every way: what is found in them does not matter here.
"""

import time

from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.stress import screens

ROW = "{:<34} {:>12} {:>9}"
PLAIN = "SELECT count(*), sum(amount) FROM lead_sale"
PER_DOCUMENT = """
    SELECT line.move_id, count(*), sum(sale.amount)
      FROM lead_sale sale
      JOIN account_move_line line ON line.id = sale.invoice_line_id
     GROUP BY line.move_id
"""


def add_arguments(parser):
    add = parser.add_argument
    add("--buyers", type=int, default=10_000, help="default 10000")
    add("--leads", type=int, default=1_000_000, help="default 1000000")
    add("--times", type=int, default=3, help="how often each is asked (default 3)")
    add("--keep", action="store_true", help="keep the database")
    add("--again", action="store_true", help="ask the one that was kept")


def run(options):
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    instance = Instance(environment, f"lead_invoicing_books_{options.leads}")
    try:
        if not (options.again and instance.exists()):
            filling = {"buyers": options.buyers, "leads": options.leads}
            screens.fill(instance, filling)
        instance.call(
            "measure", {"times": options.times}, module="dev.stress.check_books"
        )
    finally:
        if not options.keep:
            instance.drop()
    return 0


def measure(env, options):
    """Print what each rule takes. Runs in `odoo shell`."""
    from odoo.addons.lead_invoicing.report import lead_invoice_run_books as books

    def ask(work):
        seconds = []
        for _number in range(options["times"]):
            started = time.monotonic()
            work()
            seconds.append(time.monotonic() - started)
        return min(seconds)

    def query(text):
        env.cr.execute(text)
        env.cr.fetchall()

    runs = env["lead.invoice.run"].with_context(
        allowed_company_ids=env["res.company"].search([]).ids
    )
    plain = ask(lambda: query(PLAIN))
    print(ROW.format("", "milliseconds", "ratio"))
    print_row("count and sum of all leads", plain, plain)
    print_row("the same per document", ask(lambda: query(PER_DOCUMENT)), plain)
    for rule in runs._get_books_rules():
        parameters = runs._get_books_parameters()
        seconds = ask(
            lambda rule=rule, parameters=parameters: env.execute_query(
                rule.get_sql(books.MAX_IDS, **parameters)
            )
        )
        print_row(rule.name, seconds, plain)
    print_row("Check the Books", ask(runs.check_books), plain)


def print_row(title, seconds, plain):
    print(
        ROW.format(title, f"{1000 * seconds:.0f}", f"{seconds / plain:.1f}"),
        flush=True,
    )
