from odoo import api, models
from odoo.tools.translate import LazyTranslate

from odoo.addons.lead_invoicing.report.books_rules import Rule

_lt = LazyTranslate(__name__)

RULES = [
    # What was declined is left as the next one is written, in one transaction.
    Rule(
        "recharged_twice",
        "lead.recharge",
        _lt(
            "Buyers were charged more than once for one time that their balance fell"
            " below the threshold. Look at these recharges, and refund what is too"
            " much."
        ),
        """
        SELECT later.id
          FROM lead_recharge later
          JOIN lead_recharge earlier
            ON earlier.partner_id = later.partner_id
           AND earlier.company_id = later.company_id
           AND earlier.currency_id = later.currency_id
           AND earlier.id < later.id
         WHERE later.company_id = ANY(%(companies)s)
           AND earlier.state != 'refused'
           AND (earlier.left_at IS NULL
                OR earlier.left_at > later.create_date + interval '1 minute')
        """,
    ),
    Rule(
        "recharge_without_deposit",
        "lead.recharge",
        _lt(
            "Recharges are marked as paid without a deposit of their amount, or the"
            " other way around. Look at their payment transactions."
        ),
        """
        SELECT recharge.id
          FROM lead_recharge recharge
          JOIN payment_transaction tx ON tx.id = recharge.transaction_id
          LEFT JOIN account_payment payment ON payment.id = tx.payment_id
         WHERE recharge.company_id = ANY(%(companies)s)
           AND (tx.amount != recharge.amount
                OR recharge.state = 'paid' AND (
                   tx.state != 'done' OR payment.id IS NULL
                   OR payment.amount != recharge.amount)
                OR recharge.state = 'refused' AND payment.id IS NOT NULL
                   AND tx.write_date < %(now)s - interval '1 day')
        """,
    ),
    Rule(
        "recharged_without_consent",
        "lead.recharge",
        _lt(
            "Buyers were charged after their consent had ended, or by somebody"
            " else's. Refund these recharges, and tell your administrator."
        ),
        """
        SELECT recharge.id
          FROM lead_recharge recharge
          JOIN lead_recharge_consent consent ON consent.id = recharge.consent_id
         WHERE recharge.company_id = ANY(%(companies)s)
           AND (consent.kind != 'given'
                OR EXISTS (
                   SELECT FROM lead_recharge_consent later
                    WHERE later.partner_id = consent.partner_id
                      AND later.company_id = consent.company_id
                      AND later.id > consent.id
                      AND later.create_date < recharge.create_date))
        """,
    ),
]


class LeadInvoiceRun(models.Model):
    """What always holds of recharges."""

    _inherit = "lead.invoice.run"

    @api.model
    def _get_books_rules(self):
        return [*super()._get_books_rules(), *RULES]
