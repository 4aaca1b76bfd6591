from odoo import api, fields, models


class LeadMonthClose(models.TransientModel):
    """The journal entry for what was unbilled at the end of the month."""

    _inherit = "lead.month.close"

    accrual_move_id = fields.Many2one(
        "account.move", "Accrual Entry", compute="_compute_accrual"
    )
    accrual_reversal_id = fields.Many2one(
        "account.move", "Reversal on the Next Day", compute="_compute_accrual"
    )
    is_accrued = fields.Boolean(
        compute="_compute_accrual",
        help="The entry or its reversal is still in effect, so another one cannot be"
        " created.",
    )
    is_over = fields.Boolean(
        compute="_compute_accrual", help="The month was over when this was shown."
    )
    may_accrue = fields.Boolean(compute="_compute_may_accrue")

    @api.depends("month", "company_id", "shown_at")
    def _compute_accrual(self):
        for close in self:
            accrual = self.env["lead.accrual"].search(
                [
                    ("company_id", "=", close.company_id.id),
                    ("month", "=", close.date_from),
                ]
            )
            close.accrual_move_id = accrual.move_id
            close.accrual_reversal_id = accrual.reversal_id
            close.is_accrued = bool(accrual._get_standing())
            close.is_over = bool(close.shown_at) and accrual._is_over(
                close.company_id, close.date_to, close.shown_at
            )

    def _compute_may_accrue(self):
        self.may_accrue = self.env["lead.accrual"]._may_accrue()

    def action_accrue(self):
        """Make the journal entry that accrues what this close shows as unbilled at the
        end of the month, and its reversal on the next day.

        :raises AccessError: for who may not
        :raises UserError: a sentence, if it cannot be made
        """
        self.ensure_one()
        self._check_shown()
        rows = self.env["lead.month.close.line"]._read_group(
            [("close_id", "=", self.id), ("figure", "=", "closing")],
            ["partner_id", "lead_type_id", "currency_id"],
            ["amount:sum"],
        )
        self.env["lead.accrual"].with_company(self.company_id)._accrue(
            self.date_to,
            {tuple(key): amount for *key, amount in rows},
            self.shown_at,
        )
        self.invalidate_recordset()
