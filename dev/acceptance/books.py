"""Check the Books, as a manager does: all that always holds, over the whole database.

Runs in `odoo shell`.
"""

from dev.environment.shell import say


def check(env, options):
    """Say that all holds, or fail with what was found."""
    companies = env["res.company"].search([])
    runs = env["lead.invoice.run"].with_context(allowed_company_ids=companies.ids)
    findings = runs.check_books()
    for finding in findings:
        say(f"wrong: {finding['rule']}: {finding['message']}")
    if findings:
        raise SystemExit(f"Error: the books are not whole: {len(findings)} findings.")
    say("Check the Books: all holds.")
