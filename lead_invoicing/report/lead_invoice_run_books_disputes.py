from odoo import api, models
from odoo.tools.translate import LazyTranslate

from .books_rules import Rule

_lt = LazyTranslate(__name__)

DISPUTE_RULES = [
    Rule(
        "dispute_without_invoice",
        "lead.dispute",
        _lt(
            "Disputes are open, although their invoices are not posted or have been"
            " credited in full. Withdraw these disputes."
        ),
        """
        SELECT dispute.id
          FROM lead_dispute dispute
          JOIN account_move move ON move.id = dispute.move_id
         WHERE dispute.company_id = ANY(%(companies)s) AND dispute.state = 'open'
           AND (move.state != 'posted' OR move.lead_run_id IS NULL
                OR move.move_type != 'out_invoice' OR move.lead_credited
                OR move.company_id != dispute.company_id)
        """,
    ),
    Rule(
        "disputed_twice",
        "lead.sale",
        _lt("Leads are in more than one open dispute. Withdraw all of them but one."),
        """
        SELECT part.sale_id AS id
          FROM lead_dispute_row part
          JOIN lead_dispute dispute ON dispute.id = part.dispute_id
         WHERE dispute.company_id = ANY(%(companies)s) AND dispute.state = 'open'
         GROUP BY part.sale_id
        HAVING count(*) > 1
        """,
    ),
    Rule(
        "disputed_elsewhere",
        "lead.dispute",
        _lt(
            "Open disputes are about leads of another invoice than theirs. Withdraw"
            " these disputes."
        ),
        """
        SELECT DISTINCT dispute.id
          FROM lead_dispute dispute
          JOIN lead_dispute_row part ON part.dispute_id = dispute.id
          JOIN lead_sale sale ON sale.id = part.sale_id
          LEFT JOIN account_move_line line ON line.id = sale.invoice_line_id
         WHERE dispute.company_id = ANY(%(companies)s) AND dispute.state = 'open'
           AND (part.move_id != dispute.move_id
                OR line.move_id IS DISTINCT FROM dispute.move_id)
        """,
    ),
    Rule(
        "dispute_state_of_lead",
        "lead.dispute",
        _lt(
            "Disputes were withdrawn and still keep their leads from being disputed,"
            " or the other way around. Tell your administrator: something changed the"
            " data without using Lead Invoicing."
        ),
        """
        SELECT DISTINCT dispute.id
          FROM lead_dispute dispute
          JOIN lead_dispute_row part ON part.dispute_id = dispute.id
         WHERE dispute.company_id = ANY(%(companies)s)
           AND COALESCE(part.withdrawn, FALSE) != (dispute.state = 'withdrawn')
        """,
    ),
    Rule(
        "accepted_without_credit",
        "lead.dispute",
        _lt(
            "Disputes were accepted, and the buyers got nothing for them. Record the"
            " returns, or create the credit notes."
        ),
        """
        SELECT dispute.id
          FROM lead_dispute dispute
          JOIN account_move move ON move.id = dispute.move_id
         WHERE dispute.company_id = ANY(%(companies)s)
           AND dispute.state = 'accepted' AND move.lead_credited IS NOT TRUE
           AND move.state = 'posted'
           AND (dispute.scope != 'rows' AND dispute.credit_note_id IS NULL
                OR EXISTS (
                   SELECT FROM lead_dispute_row part
                    WHERE part.dispute_id = dispute.id AND part.return_id IS NULL
                      AND NOT EXISTS (SELECT FROM lead_sale back
                                       WHERE back.origin_id = part.sale_id)))
        """,
    ),
    Rule(
        "reminded_too_early",
        "lead.reminder",
        _lt(
            "Buyers were reminded before their invoices were due. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT id FROM lead_reminder
         WHERE company_id = ANY(%(companies)s) AND day <= due_date
        """,
    ),
    Rule(
        "account_closed_twice",
        "lead.account.closing",
        _lt("Accounts of buyers are closed more than once. Reopen them."),
        """
        SELECT later.id
          FROM lead_account_closing later
          JOIN lead_account_closing earlier
            ON earlier.partner_id = later.partner_id
           AND earlier.company_id = later.company_id AND earlier.id < later.id
         WHERE later.company_id = ANY(%(companies)s)
           AND earlier.reopened_at IS NULL AND later.reopened_at IS NULL
        """,
    ),
]


class LeadInvoiceRun(models.Model):
    """What always holds of disputes, reminders and closed accounts."""

    _inherit = "lead.invoice.run"

    @api.model
    def _get_books_rules(self):
        return [*super()._get_books_rules(), *DISPUTE_RULES]
