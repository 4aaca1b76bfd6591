from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.protected_fields import changes
from .account_move_line import PLACE_FIELDS


class AccountMoveLine(models.Model):
    """Lines of agreed charges: other charges, but each is billed once."""

    _inherit = "account.move.line"

    lead_charge_id = fields.Many2one(
        "lead.billing.charge",
        "Agreed Charge",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
        groups="base.group_user",
    )
    lead_billed_charge_id = fields.Many2one(
        "lead.billed.charge",
        "Charge Not Credited",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The volume prices or discount that lowered the price of leads returned"
        " on this document, and is therefore not credited.",
        groups="base.group_user",
    )

    def _check_lead_lines_stay(self, vals):
        res = super()._check_lead_lines_stay(vals)
        for line in self.filtered("lead_charge_id"):
            if changes(line, vals, PLACE_FIELDS):
                raise UserError(
                    self.env._(
                        "“%(line)s” bills an agreed charge and cannot be moved from"
                        " %(document)s. Delete the line there, and the charge will go"
                        " on the buyer's next invoice.",
                        line=line.name,
                        document=line.move_id.display_name,
                    )
                )
        return res

    def _give_lead_billing_to(self, new):
        res = super()._give_lead_billing_to(new)
        if self.lead_charge_id:
            # The copy of a document bills what the document did, whoever may make it.
            new.sudo().write(
                {
                    "lead_charge_id": self.lead_charge_id.id,
                    "lead_billed_charge_id": self.lead_billed_charge_id.id,
                    "lead_origin_move_id": self.lead_origin_move_id.id,
                }
            )
            self.sudo().lead_billed_charge_id = False
            self._release_lead_charges(to_line=new)
        return res

    def _release_lead_sales(self, to_line=None, keep=()):
        res = super()._release_lead_sales(to_line, keep)
        self._release_lead_charges(to_line)
        return res

    def _release_lead_charges(self, to_line=None):
        """Make the charges billed on these lines due again, or bill them on another
        line.

        :param to_line: the line that bills them instead
        """
        if not self.ids:
            return
        # Which charges are billed on these lines?
        self.env.execute_query(
            SQL(
                """
                UPDATE lead_billed_charge SET invoice_line_id = %s
                 WHERE invoice_line_id IN %s
             RETURNING id
                """,
                to_line.id if to_line else None,
                tuple(self.ids),
            )
        )
        self.env["lead.billed.charge"].invalidate_model()
        if to_line:
            return
        # What was kept of returns that are released is not kept any more: this follows
        # for whoever may release them.
        kept = self.sudo().filtered("lead_billed_charge_id")
        kept.with_context(skip_invoice_sync=True).lead_billed_charge_id = False
