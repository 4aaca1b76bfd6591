from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """Companies that have delivered lead invoices are set up: the overview does not ask
    them where to begin."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    companies = env["res.company"].with_context(active_test=False).search([])
    companies.filtered(
        lambda company: company._has_lead_delivery()
    ).lead_setup_hidden = True
