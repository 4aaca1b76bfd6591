from odoo import fields

from .generation import GENERATION, WEEK, GenerationCommon


class GivenBackCommon(GenerationCommon):
    """Ways to return, credit, reverse and release, and the rule that must hold."""

    SECOND = GENERATION + WEEK
    THIRD = GENERATION + 2 * WEEK

    def generate(self, now=GENERATION):
        made = super().generate(now)
        # The run had a cursor of its own: Odoo remembers its last number per cursor.
        self.env["account.move"]._get_sequence_cache().clear()
        return made

    def return_later(self, sale, price=None, **vals):
        """Record a return in the week after the sale's."""
        return self.new_return(sale, price, at="2026-11-10T12:00:00Z", **vals)

    def correct(self, sale, price, at="2026-11-05T12:00:00Z", **vals):
        """Record that a sale's price is another one, in the week of the sale."""
        return self.new_sale(
            sale.partner_id,
            price,
            at,
            type="correction",
            origin_external_ref=sale.external_ref,
            **vals,
        )

    def _wizard(self, documents, user=None, **vals):
        model = self.env["account.move.reversal"]
        if user:
            model = model.with_user(user)
        return model.with_context(
            active_model="account.move", active_ids=documents.ids
        ).create(
            {
                "journal_id": documents.journal_id.id,
                "date": fields.Date.today(),
                **vals,
            }
        )

    def reverse(self, documents, user=None, **vals):
        """Reverse documents as an accountant does; return the drafts."""
        wizard = self._wizard(documents, user, **vals)
        wizard.refund_moves()
        return wizard.new_move_ids

    def invoice_again(self, document, user=None):
        """Reverse a document and invoice it again; return the new draft."""
        wizard = self._wizard(document, user)
        wizard.modify_moves()
        return wizard.new_move_ids

    def release(self, invoice):
        self.env["lead.sale.release.wizard"].create(
            {"invoice_ids": invoice.ids, "reason": "Wrong company name"}
        ).action_release()

    def owed(self, buyer=None):
        """Return what a buyer owes in the books: below zero, it is owed."""
        lines = self.env["account.move.line"].search(
            [
                ("partner_id", "=", (buyer or self.buyer).id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ]
        )
        return self.company.currency_id.round(sum(lines.mapped("balance")))
