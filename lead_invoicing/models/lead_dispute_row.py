from collections import defaultdict

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.protected_fields import EngineOnly
from .lead_billed_charge_share import LIVE_SHARES
from .lead_dispute import MAX_ROWS


class LeadDisputeRow(EngineOnly, models.Model):
    """One lead of a dispute, and the return that came of it."""

    _name = "lead.dispute.row"
    _description = "Disputed Lead"
    _order = "id"
    _rec_name = "sale_id"

    dispute_id = fields.Many2one(
        "lead.dispute", required=True, index=True, ondelete="cascade"
    )
    move_id = fields.Many2one(
        "account.move", "Invoice", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="dispute_id.company_id", store=True, precompute=True
    )
    sale_id = fields.Many2one(
        "lead.sale", "Lead", required=True, index=True, ondelete="cascade"
    )
    currency_id = fields.Many2one(related="sale_id.currency_id")
    amount = fields.Monetary(help="What is left of the lead's price, including tax.")
    return_id = fields.Many2one(
        "lead.sale", index="btree_not_null", ondelete="set null"
    )
    platform_ref = fields.Char(
        "Platform's Reference",
        help="Under which reference the platform reported this return as well; it was"
        " not recorded a second time.",
    )
    withdrawn = fields.Boolean(help="The dispute was withdrawn and no longer counts.")

    # On one invoice a lead is disputed once, however many ask at the same moment.
    _sale_uniq = models.UniqueIndex(
        "(sale_id, move_id) WHERE withdrawn IS NOT TRUE",
        "This lead has already been disputed. Each lead of an invoice can be disputed"
        " once.",
    )

    def _check_disputed(self):
        """Check these leads of one dispute, and write down what is disputed of each.

        :return: the sum, tax included
        :raises UserError: naming a lead that cannot be disputed
        """
        dispute = self.dispute_id
        if not self:
            raise UserError(self.env._("Choose the leads that are disputed."))
        if len(self) > MAX_ROWS:
            raise UserError(
                self.env._(
                    "A dispute can name %s leads at most. Dispute the amount of these"
                    " leads, or the whole invoice.",
                    MAX_ROWS,
                )
            )
        # Now, and not when the transaction ends: who is second is told here.
        self.flush_recordset()
        origins = dispute._read_origins()
        shares = self._read_shares()
        total = counted = 0.0
        for row in self:
            sale = row.sale_id
            if (
                sale.transaction_type != "sale"
                or sale.invoice_line_id.move_id != dispute.move_id
            ):
                raise UserError(
                    self.env._(
                        "The lead %(lead)s was not sold on %(document)s. Choose leads"
                        " that were.",
                        lead=sale.external_ref,
                        document=dispute.move_id.name,
                    )
                )
            origin = origins[sale.external_ref]
            rest = origin.left
            if rest <= 0:
                raise UserError(
                    self.env._(
                        "The lead %s has been returned in full, or cost nothing: there"
                        " is nothing to dispute.",
                        sale.external_ref,
                    )
                )
            # Each has its share of the sum, which is rounded once.
            factor = row._get_tax_factor(sale.invoice_line_id) - shares[sale.id]
            total += float(rest) * max(factor, 0.0)
            row.amount = sale.currency_id.round(total) - counted
            counted += row.amount
        return dispute.currency_id.round(counted)

    def _get_corrected_amount(self):
        """Return what is disputed of leads whose price was corrected since: they are
        returned from the document of the correction."""
        corrections = self.env["lead.sale"].search(
            [("corrected_sale_id", "in", self.sale_id.ids)]
        )
        corrected = self.filtered(
            lambda row: row.sale_id in corrections.corrected_sale_id
        )
        return sum(corrected.mapped("amount"))

    def _get_tax_factor(self, line):
        """Return by what a price is multiplied to include its tax, as it was billed on
        a line."""
        billed = line._get_lead_amount()
        return line.price_total / billed if billed else 1.0

    def _read_shares(self):
        """Return which part of the prices of these leads volume prices and discounts
        took off, including tax: what a return does not give back.

        :return: default dict {sale id: part}
        """
        shares = defaultdict(float)
        # What was taken off these leads, on which lines?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT live.sale_id, live.amount / live.base, billed.invoice_line_id
                  FROM (%s) live
                  JOIN lead_billed_charge billed ON billed.id = live.billed_id
                 WHERE live.sale_id = ANY(%s)
                """,
                LIVE_SHARES,
                self.sale_id.ids,
            )
        )
        lines = self.env["account.move.line"].browse({line_id for *_, line_id in rows})
        factors = {line.id: self._get_tax_factor(line) for line in lines}
        for sale_id, part, line_id in rows:
            shares[sale_id] += float(part) * factors[line_id]
        return shares

    def _is_pending(self):
        """Tell whether this lead's return was made and is on no posted document."""
        self.ensure_one()
        back = self.return_id
        return bool(back) and back.billing_state in ("unbilled", "draft")
