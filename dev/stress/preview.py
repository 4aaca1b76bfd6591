"""Compare the preview of invoicing manually with what is then made, to the cent.

A real Odoo records a part of the sample, which is invoiced manually in two steps: until
a day in the middle of it, and until its end. Each time the wizard's preview of all
buyers is compared, per buyer, lead type and currency, with the documents that its run
then has, with the transactions behind them, and with what was left unbilled.
"""

from decimal import Decimal

from dev.acceptance import check, progress, sample
from dev.acceptance.instance import Instance
from dev.environment.provision import Environment
from dev.environment.shell import Failure, say

# The last wizard's preview: what is to be made, and what is left out.
PREVIEWED = """
    SELECT partner_id, lead_type_id, currency_id, sum(purchased), sum(returned),
           sum(amount)::numeric(20, 2)
      FROM lead_invoice_wizard_line
     WHERE wizard_id = (SELECT max(id) FROM lead_invoice_wizard)
       AND (message IS NULL) = {made}
  GROUP BY partner_id, lead_type_id, currency_id
"""
# The last run's documents.
MADE = """
    SELECT move.commercial_partner_id, line.lead_type_id, move.currency_id,
           sum(line.lead_count) FILTER (WHERE line.lead_transaction_type = 'sale'),
           sum(line.lead_count) FILTER (WHERE line.lead_transaction_type = 'return'),
           sum(line.quantity * line.price_unit
               * CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
           )::numeric(20, 2)
      FROM account_move AS move
      JOIN account_move_line AS line ON line.move_id = move.id
     WHERE move.lead_run_id = (SELECT max(id) FROM lead_invoice_run)
       AND move.state = 'posted' AND line.lead_type_id IS NOT NULL
  GROUP BY move.commercial_partner_id, line.lead_type_id, move.currency_id
"""
# The transactions behind the last run's documents, or left by it.
LEDGER = """
    SELECT sale.commercial_partner_id, sale.lead_type_id, sale.currency_id,
           count(*) FILTER (WHERE sale.transaction_type = 'sale'),
           count(*) FILTER (WHERE sale.transaction_type = 'return'
                              AND sale.price_adjustment IS NOT TRUE),
           sum(sale.amount)::numeric(20, 2)
      FROM lead_sale AS sale
 LEFT JOIN account_move_line AS line ON line.id = sale.invoice_line_id
 LEFT JOIN account_move AS move ON move.id = line.move_id
     WHERE {condition}
  GROUP BY sale.commercial_partner_id, sale.lead_type_id, sale.currency_id
"""
OF_RUN = "move.lead_run_id = (SELECT max(id) FROM lead_invoice_run)"
LEFT = "sale.invoice_line_id IS NULL AND NOT sale.waived"
DOCUMENTS = f"SELECT count(*) FROM account_move AS move WHERE {OF_RUN}"

ROW = "{:<12} {:>9} {:>9} {:>9} {:>9} {:>11}"
HEAD = ("until", "rows", "documents", "left out", "compared", "differences")


def add_arguments(parser):
    parser.add_argument("--buyers", type=int, default=300, help="default 300")
    parser.add_argument("--keep", action="store_true", help="keep the database")


def run(options):
    environment = Environment()
    environment.provision()
    environment.postgres.start()
    name = environment.new_database_name("lead_invoicing_preview")
    instance = Instance(environment, name)
    rows = sample.choose_rows(options.buyers)
    try:
        instance.install()
        instance.call("load", {"buyers": options.buyers, "schedule": False})
        instance.call("set_minimums", module="dev.stress.by_hand")
        instance.start(http=False)
        print(ROW.format(*HEAD))
        problems = [
            problem
            for day in get_days(rows)
            for problem in invoice_until(instance, day)
        ]
        problems += check.find_untied(instance)
    finally:
        instance.stop()
        if not options.keep:
            instance.drop()
    if problems:
        for problem in problems[:20]:
            say(f"wrong: {problem}")
        raise Failure(f"preview and documents differ: {len(problems)} times.")
    instance.forget()
    print("The preview is what is made, for every buyer and lead type.", flush=True)
    return 0


def get_days(rows):
    """A day in the middle, and the day after which nothing comes."""
    days = sorted(sample.get_local_date(row["occurred_at"]) for row in rows)
    return [days[len(days) // 2], days[-1]]


def invoice_until(instance, day):
    """Preview, invoice and compare; return what differs."""
    options = {"date_to": day.isoformat()}
    instance.call("preview_and_invoice", options, module="dev.stress.by_hand")
    progress.wait(instance, progress.is_billed, f"invoicing until {day}")
    to_make = read(instance, PREVIEWED.format(made="TRUE"))
    left_out = read(instance, PREVIEWED.format(made="FALSE"))
    pairs = [
        ("the documents have", to_make, read(instance, MADE)),
        ("their leads are", to_make, read(instance, LEDGER.format(condition=OF_RUN))),
        ("left is", left_out, read(instance, LEDGER.format(condition=LEFT))),
    ]
    problems = [
        f"buyer, type, currency {key}: previewed {ours.get(key)}, {words}"
        f" {theirs.get(key)}"
        for words, ours, theirs in pairs
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    ]
    compared = sum(len(ours.keys() | theirs.keys()) for _words, ours, theirs in pairs)
    documents = instance.rows(DOCUMENTS)[0][0]
    counts = (len(to_make), documents, len(left_out), compared, len(problems))
    print(ROW.format(str(day), *counts), flush=True)
    return problems


def read(instance, query):
    """Return {(buyer, lead type, currency): (purchased, returned, amount)}."""
    return {
        row[:3]: tuple(Decimal(value or 0) for value in row[3:])
        for row in instance.rows(query)
    }
