"""Measure what a thousand buyers can spend, and the list of all buyers' balances.

Two databases with ten thousand buyers and their documents, the one with ten thousand
leads, the other with a million: `lead_buying_power` for a thousand references, and the
balances of a page of 80 buyers and of all, each asked within Odoo. What counts is the
median of several times.
"""

from dev.stress import questions, screens

REFS = 1_000
PAGE = 80


def add_arguments(parser):
    screens.add_arguments(parser)


def run(options):
    return questions.run(options, "power", __name__)


def measure(env, options):
    buyers = env["res.partner"].search([("ref", "=like", "BOOKS%")], order="id")
    refs = buyers[:REFS].mapped("ref")
    questions.ask(
        env,
        options,
        {
            f"buying power of {REFS:,} buyers": lambda: buyers.lead_buying_power(refs),
            f"balances of {PAGE} buyers": lambda: buyers[:PAGE].mapped("lead_exposure"),
            f"balances of {len(buyers):,} buyers": lambda: buyers.mapped(
                "lead_exposure"
            ),
        },
    )
