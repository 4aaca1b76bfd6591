from odoo import api, fields, models

from .lead_statement import MOVEMENTS


class AccountMove(models.Model):
    """The prepaid buyer's money on its documents: frozen as they are posted."""

    _inherit = "account.move"

    lead_statement_id = fields.Many2one(
        "lead.statement",
        "Statement of the Balance",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="base.group_user",
    )
    lead_statement_opening = fields.Monetary(
        "Opening Balance",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
        help="The buyer's money before this document, as of its posting: above zero,"
        " what was left of its deposits.",
    )
    lead_statement_deposits = fields.Monetary(
        "Deposits",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_purchases = fields.Monetary(
        "Purchases",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_returns = fields.Monetary(
        "Returns",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_tax = fields.Monetary(
        "Tax on the Statement",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_refunds = fields.Monetary(
        "Refunds",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_other = fields.Monetary(
        "Other",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_taken_back = fields.Monetary(
        "Taken Back",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
    )
    lead_statement_closing = fields.Monetary(
        "Closing Balance",
        compute="_compute_lead_statement_amounts",
        groups="base.group_user",
        help="The buyer's money after this document, as of its posting.",
    )

    # No related fields: by these, whoever may see a document could sort, and so learn
    # of amounts that they may not read.
    @api.depends("lead_statement_id")
    def _compute_lead_statement_amounts(self):
        for move in self:
            # Whoever may read the document's fields may read what was frozen for it.
            statement = move.sudo().lead_statement_id
            for name in ("opening", *MOVEMENTS, "closing"):
                move[f"lead_statement_{name}"] = statement[name]

    def _freeze_lead_statements(self):
        """Make the statements of those of these posted documents that are a prepaid
        buyer's. Their buyers are locked: two that do this at one moment are a
        serialization failure."""
        # Whoever may post a document has its statement made.
        documents = self.sudo().filtered(lambda move: move._has_lead_statement())
        if documents:
            documents.partner_id.commercial_partner_id._lock_lead_money()
            documents.env["lead.statement"]._freeze(documents)

    def _has_lead_statement(self):
        """Tell whether this is a document of leads of a buyer who prepays."""
        self.ensure_one()
        buyer = self.partner_id.commercial_partner_id.with_company(self.company_id)
        return (
            bool(self.lead_run_id)
            and self.state == "posted"
            and buyer.lead_billing_mode == "prepaid"
        )

    def _get_lead_statement_key(self):
        """Return whose money it is on this document's statement, and which."""
        self.ensure_one()
        return (
            self.company_id,
            self.partner_id.commercial_partner_id,
            self.currency_id,
        )

    def _get_lead_statement_amounts(self, amount):
        """Return how this move stands on a statement.

        :param amount: what it adds to the buyer's money on the receivable
        :return: {name of a movement: amount}
        """
        self.ensure_one()
        if self.is_invoice() and self._is_about_leads():
            # An invoice takes from the buyer's money, a credit note adds to it.
            sign = -self._get_lead_sign()
            amounts = self._get_lead_net_amounts(sign)
            amounts["tax"] = sign * self.amount_tax
            amounts["other"] = amount - sum(amounts.values())
            return amounts
        root = self.reversed_entry_id or self
        if root.is_invoice() or not root._is_lead_payback():
            return {"other": amount}
        return {"deposits" if amount > 0 else "refunds": amount}

    def _get_lead_net_amounts(self, sign):
        """Return what this document's leads come to before tax, as purchases and
        returns."""
        if not self.lead_run_id:
            # What people credit has no leads of its own.
            return {"returns": sign * self.amount_untaxed}
        amounts = {"purchases": 0.0, "returns": 0.0}
        for line in self.invoice_line_ids.filtered("lead_type_id"):
            is_sale = line.lead_transaction_type == "sale"
            amounts["purchases" if is_sale else "returns"] += sign * line.price_subtotal
        return amounts

    def _leave_lead_statements(self):
        """Take back what statements carry of these moves, which leave the books."""
        # Whoever may take it out of the books has this written down.
        moves = self.sudo()
        moves.line_ids._take_back_from_lead_statements()
        # Nothing that the document's lines are computed from changes.
        moves.filtered("lead_statement_id").with_context(
            skip_invoice_sync=True
        ).lead_statement_id = False
