from odoo import api, fields, models
from odoo.tools import format_list


class LeadSaleWaiveWizard(models.TransientModel):
    """Asks a manager why transactions are never billed, or are billed after all."""

    _name = "lead.sale.waive.wizard"
    _description = "Waive Lead Transactions"

    sale_ids = fields.Many2many(
        "lead.sale", string="Transactions", required=True, readonly=True
    )
    take_back = fields.Boolean(readonly=True)
    sale_count = fields.Integer("Number of Transactions", compute="_compute_sale_count")
    consequence = fields.Char(compute="_compute_consequence")
    reason = fields.Char(required=True)

    @api.depends("sale_ids")
    def _compute_sale_count(self):
        for wizard in self:
            wizard.sale_count = len(wizard.sale_ids)

    @api.depends("sale_ids", "take_back")
    @api.depends_context("lang")
    def _compute_consequence(self):
        for wizard in self:
            if wizard.take_back:
                wizard.consequence = False
                continue
            # As the ledger has them, also before the dialog is stored.
            sales, returns = wizard.sale_ids._origin._find_to_waive()
            amounts = [
                currency.format(sum(rows.mapped("amount")))
                for currency, rows in (sales + returns).grouped("currency_id").items()
            ]
            wizard.consequence = bool(amounts) and self._get_consequence(amounts)

    def _get_consequence(self, amounts):
        return self.env._("%s will never be billed.", format_list(self.env, amounts))

    def action_confirm(self):
        """Waive the transactions, or make them unbilled again.

        :raises UserError: naming a transaction for which this cannot be done
        """
        self.ensure_one()
        if self.take_back:
            self.sale_ids._unwaive(self.reason)
        else:
            self.sale_ids._waive(self.reason)
        return {"type": "ir.actions.act_window_close"}
