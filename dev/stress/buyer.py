"""Measure what is asked about a buyer: statement, charges, return rates, comparison.

Two databases with ten thousand buyers and their documents, the one with ten thousand
leads, the other with a million, and each question asked within Odoo: the statement of
account of one buyer, return rates of a page of 80 buyers beside the median of all, a
preview of 40 buyers without and with agreed charges for the calendar month, and a list
of a thousand leads beside what a buyer was charged for in 90 days. What counts is the
median of several times.
"""

from datetime import timedelta

from dev.stress import questions, screens

PAGE = 80
BATCH = 40
LIST = 1_000
CHARGES = (
    {"kind": "fee", "amount": 5},
    {"kind": "minimum", "amount": 100},
    {"kind": "discount", "percent": 5},
)


def add_arguments(parser):
    screens.add_arguments(parser)


def run(options):
    return questions.run(options, "buyer", __name__, addons=["lead_invoicing_return"])


def measure(env, options):
    from odoo.fields import Date, Datetime

    from odoo.addons.lead_invoicing.recording.file_formats import FileFormats
    from odoo.addons.lead_invoicing_return.recording.lists import ListedLead
    from odoo.addons.lead_invoicing_return.report.comparison import Comparison

    buyers = env["res.partner"].search([("ref", "=like", "BOOKS%")], order="id")
    now = Datetime.now()
    wizards = env["lead.invoice.wizard"]
    leads = [ListedLead(number, lead=f"L{number}") for number in range(1, LIST + 1)]

    def get_median():
        env.registry.clear_cache()
        buyers._get_lead_return_median(env.company.id, Date.today())

    def preview():
        wizards.create({"partner_ids": buyers[:BATCH].ids}).action_preview()

    def preview_with_charges():
        charges = env["lead.billing.charge"].create(
            [prepare_charge(env, terms) for terms in CHARGES]
        )
        preview()
        charges.unlink()

    statements = env["lead.account.statement"]
    questions.ask(
        env,
        options,
        {
            "statement of account": lambda: statements._open(buyers[0], {}),
            "statement of account, a year": lambda: statements._open(
                buyers[0], {"date_from": str(Date.today() - timedelta(days=365))}
            ),
            "median of return rates": get_median,
            f"return rates of {PAGE} buyers": lambda: buyers[:PAGE].mapped(
                "lead_return_rate"
            ),
            f"preview of {BATCH} buyers": preview,
            "the same with charges": preview_with_charges,
            f"comparison of {LIST:,} leads": lambda: Comparison(
                env,
                buyers[0],
                leads,
                now - timedelta(days=90),
                now,
                FileFormats(None, {}),
            ),
        },
    )


def prepare_charge(env, terms):
    """Return the values of a charge of the whole company, for each month."""
    from odoo.fields import Date

    return {
        "name": terms["kind"],
        "company_id": env.company.id,
        "currency_id": env.company.currency_id.id,
        "product_id": env["product.product"]
        .search([("type", "=", "service")], limit=1)
        .id,
        "period": "month",
        "date_from": Date.today() - timedelta(days=365),
        **terms,
    }
