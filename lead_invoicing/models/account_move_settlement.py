from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

# Where a transaction remembers what is reconciled by others before it settles the rest.
ANNOUNCED = "lead_invoicing.settlement"


class AccountMove(models.Model):
    """Settlement: what pays lead invoices by itself, and which of them are receipts."""

    _inherit = "account.move"

    lead_is_receipt = fields.Boolean(
        "Receipt",
        readonly=True,
        copy=False,
        help="The buyer's balance covered this invoice in full when it was posted: it"
        " is a receipt, for as long as it stays paid.",
        groups="base.group_user",
    )

    # What is settled, and when

    def _settle_lead_documents(self):
        """Settle what these posted documents, deposits and other items can settle, make
        those that the buyer's balance covers in full receipts, and those that they
        give back receipts no more."""
        # Posting decides it, whoever posts, and from wherever.
        posted = self.sudo()
        waiting = posted.filtered(lambda move: move._is_reconciled_by_others())
        waiting._announce_lead_settlement()
        (posted - waiting)._settle_lead_items()
        posted.filtered(
            lambda move: (
                move._is_prepaid_lead_invoice()
                and move.currency_id.is_zero(move.amount_residual)
            )
        )._set_lead_receipt(True)
        given_back = posted._get_lead_documents_given_back().filtered("lead_credited")
        given_back._set_lead_receipt(False)

    def _is_reconciled_by_others(self):
        """Tell whether whoever posts this payment reconciles it next, with the open
        invoices that it names."""
        self.ensure_one()
        named = self.origin_payment_id.invoice_ids
        return any(invoice.amount_residual for invoice in named)

    def _announce_lead_settlement(self):
        """Settle what these items leave over once they are reconciled with what they
        are meant for; at the latest when the transaction ends."""
        if not self:
            return
        precommit = self.env.cr.precommit
        if ANNOUNCED not in precommit.data:
            precommit.data[ANNOUNCED] = set()
            precommit.add(self.browse()._settle_announced_lead_items)
        precommit.data[ANNOUNCED].update(self.ids)

    @api.model
    def _get_announced_lead_items(self):
        # What was announced within a savepoint may be gone.
        return self.browse(self.env.cr.precommit.data.get(ANNOUNCED, ())).exists()

    def _settle_announced_lead_items(self):
        """Settle what these announced items leave over; without any, all of them."""
        announced = self._get_announced_lead_items()
        settled = announced & self if self else announced
        if settled:
            self.env.cr.precommit.data[ANNOUNCED].difference_update(settled.ids)
            settled._settle_lead_items()

    def _settle_lead_items(self):
        """Let the buyers that these posted moves concern settle their lead invoices,
        unless one of their payments is on its way to the invoices that it names."""
        by_buyer = self._group_by_lead_settlement()
        on_their_way = self._get_announced_lead_items()._group_by_lead_settlement()
        # A deposit and a document that are posted at one moment would not see each
        # other.
        self.env["res.partner"].union(
            *(
                partner
                for company, partner, _currency in by_buyer
                if partner.with_company(company)._is_settled_from_balance()
            )
        )._lock_lead_money()
        for buyer_key, moves in by_buyer.items():
            if buyer_key not in on_their_way:
                company, partner, currency = buyer_key
                partner._reconcile_lead_invoices(company, currency, moves)

    def _group_by_lead_settlement(self):
        """Return which of these moves may settle something, or be settled.

        :return: {(company, commercial partner, currency): moves}
        """
        result = defaultdict(self.browse)
        for line in self.line_ids:
            if (
                line.account_type == "asset_receivable"
                and line.partner_id
                and (
                    # Exchange differences are no money.
                    (line.balance < 0 and line.amount_currency < 0)
                    or line.move_id.lead_run_id
                    or line.move_id._is_lead_payback()
                )
            ):
                partner = line.partner_id.commercial_partner_id
                result[line.company_id, partner, line.currency_id] |= line.move_id
        return result

    @api.model
    def _get_lead_money_domain(self):
        """Return the moves that are money: payments, and what the bank tells."""
        return Domain("origin_payment_id", "!=", False) | Domain(
            "statement_line_id", "!=", False
        )

    def _is_lead_payback(self):
        """Tell whether what this move takes from a balance was paid back."""
        self.ensure_one()
        return bool(self.filtered_domain(self._get_lead_money_domain()))

    def _get_named_lead_invoices(self):
        """Return what each of these says that it pays: the invoices of a payment, the
        document that is reversed, those whose leads come back.

        :return: {move: ``account.move``}
        """
        origins = self._read_lead_return_origins()
        return {
            move: move.origin_payment_id.invoice_ids
            | move.reversed_entry_id
            | origins[move.id]
            for move in self
        }

    def _read_lead_return_origins(self):
        """Return the documents that the leads returned on these were sold on.

        :return: {move id: ``account.move``}
        """
        result = defaultdict(self.browse)
        documents = self.filtered("lead_run_id")
        if not documents:
            return result
        self.env["lead.sale"].flush_model(["invoice_line_id", "origin_id"])
        # Which documents billed the sales that these documents give back?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT line.move_id, origin_line.move_id
                  FROM account_move_line line
                  JOIN lead_sale back ON back.invoice_line_id = line.id
                  JOIN lead_sale origin ON origin.id = back.origin_id
                  JOIN account_move_line origin_line
                       ON origin_line.id = origin.invoice_line_id
                 WHERE line.move_id IN %s
                """,
                tuple(documents.ids),
            )
        )
        for move_id, origin_id in rows:
            result[move_id] |= self.browse(origin_id)
        return result

    def _undo_lead_settlement(self, for_good=False):
        """Take what is no longer in the books, or never came, off the lead invoices of
        prepaid buyers: Odoo leaves it reconciled with them. What else is in the buyer's
        favor takes its place; a receipt that it covers in full stays one.

        :param for_good: take it off those of buyers on credit, too; for what is posted
            again, Odoo has it pay the same invoices again
        """
        # Whoever may take a payment back has this follow.
        partials = self.sudo().line_ids.matched_debit_ids.filtered(
            lambda partial: (
                partial.debit_move_id.move_id.lead_is_receipt
                or partial.debit_move_id.move_id._is_prepaid_lead_invoice()
                or (for_good and partial.debit_move_id.move_id.lead_run_id)
            )
        )
        if not partials:
            return
        invoices = partials.debit_move_id.move_id.filtered(
            lambda move: move.state == "posted"
        )
        receipts = invoices.filtered("lead_is_receipt")
        # Nothing is told before other money had its turn.
        receipts._set_lead_receipt(False)
        partials.unlink()
        invoices._settle_lead_items()
        receipts._set_lead_receipt(True)
        receipts._end_unpaid_lead_receipts()

    # Receipts

    def _is_prepaid_lead_invoice(self):
        """Tell whether this is an invoice for leads of a buyer who prepays."""
        self.ensure_one()
        buyer = self.commercial_partner_id.with_company(self.company_id)
        return (
            bool(self.lead_run_id)
            and self.move_type == "out_invoice"
            and buyer.lead_billing_mode == "prepaid"
        )

    def _set_lead_receipt(self, is_receipt):
        changed = self.filtered(lambda move: move.lead_is_receipt != is_receipt)
        # Whoever may post, or take money back, has this written down. Nothing that the
        # document's lines are computed from changes.
        changed.sudo().with_context(skip_invoice_sync=True).lead_is_receipt = is_receipt

    def _end_unpaid_lead_receipts(self):
        """Make receipts whose money is gone invoices for the rest again, and tell
        someone."""
        unpaid = self.filtered(
            lambda move: (
                move.lead_is_receipt
                and move.state == "posted"
                and not move.currency_id.is_zero(move.amount_residual)
            )
        )
        unpaid._set_lead_receipt(False)
        # What was printed says "paid"; it is kept, and the next one says what is left.
        unpaid._detach_attachments()
        for document in unpaid:
            move = document._for_lead_responsible()
            move._tell_lead_responsible(
                move.env._("Receipt no longer paid"),
                move.env._(
                    "%(document)s was sent as a receipt, paid from the balance. That"
                    " money is gone: its payment was canceled, refunded or"
                    " unreconciled. The document is now an invoice for the remaining"
                    " amount. Send it to the buyer again to request payment.",
                    document=move.name,
                ),
            )

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """End receipts that are reversed by somebody who knows: nothing to tell."""
        if cancel:
            self._set_lead_receipt(False)
        return super()._reverse_moves(default_values_list, cancel)
