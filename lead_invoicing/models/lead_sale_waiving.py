from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..recording.ledger_gateway import history_sql


class LeadSale(models.Model):
    """The decision that a transaction is never billed, and its undoing."""

    _inherit = "lead.sale"

    def _waive(self, reason):
        """Decide that these transactions are never billed. A sale takes its unbilled
        returns along: what is not paid for is not given back.

        :param reason: why, in words; a transaction keeps a reason of its own
        :raises AccessError: for users who do not manage lead invoicing
        :raises UserError: for a billed transaction, a sale with a billed return, or
            without a reason
        """
        self.check_access("write")
        self._check_waiver_reason(reason)
        self._check_correction_whole()
        sales, returns = self._find_to_waive()
        self._check_not_on_invoice(sales, returns)
        (sales + returns)._log_waiver(True, reason, with_sale=returns)
        for sale in (sales + returns).sudo():
            # The user may write these rows; only the freeze is passed.
            sale.write({"waived": True, "reason": sale.reason or reason})

    def _find_to_waive(self):
        """Return those of these transactions that are not waived yet, and the returns
        that are waived with them."""
        sales = self.filtered(lambda sale: not sale.waived)
        returns = sales._search_returns() - self
        return sales, returns.filtered(lambda back: not back.waived)

    @api.model
    def _check_not_on_invoice(self, sales, returns):
        """Refuse to waive what is billed, or what a return of it is billed for.

        :param sales, returns: see :meth:`_find_to_waive`
        :raises UserError: naming the transaction
        """
        for sale in sales + returns:
            if sale.billing_state == "draft":
                raise UserError(
                    self.env._(
                        "The transaction %(ref)s is on a draft, %(draft)s. Delete its"
                        " line from the draft, or the draft, then waive it.",
                        ref=sale.external_ref,
                        # Who may waive leads may know where they are.
                        draft=sale.sudo().invoice_id._get_lead_draft_name(),
                    )
                )
            if sale.invoice_line_id:
                raise UserError(
                    self.env._(
                        "The transaction %s is on an invoice. Correct the invoice with"
                        " a credit note.",
                        sale.external_ref,
                    )
                )

    def _unwaive(self, reason):
        """Make these waived transactions unbilled again. A sale takes along the
        returns that are waived because it was.

        :param reason: why, in words
        :raises AccessError: for users who do not manage lead invoicing
        :raises UserError: for a return whose money was given back already, or whose
            sale stays waived, or without a reason
        """
        self.check_access("write")
        self._check_waiver_reason(reason)
        self._check_correction_whole()
        # Who may write these transactions may see how they were waived.
        waivers = self.env["lead.sale.waiver"].sudo()
        sales = self.filtered("waived")
        returns = (sales._search_returns() - sales).filtered(
            lambda back: back.waived and not back.waived_by_credit
        )
        last = waivers._get_last(sales + returns)
        # One that was waived by itself before its sale stays so.
        returns = returns.filtered(
            lambda back: back.id not in last or last[back.id].with_sale
        )
        for sale in sales:
            sale._check_unwaive(sales)
        (sales + returns)._log_waiver(False, reason, with_sale=returns)
        for sale in (sales + returns).sudo():
            # The user may write these rows; only the freeze is passed.
            waiver = last.get(sale.id, waivers)
            borrowed = not waiver.own_reason and sale.reason == waiver.reason
            sale.write({"waived": False, "reason": False if borrowed else sale.reason})

    def _check_unwaive(self, unwaived):
        """Refuse to bill a return that gives back what was not, or is no longer, paid.

        :param unwaived: the transactions that are unwaived together
        """
        self.ensure_one()
        origin = self.origin_id
        if self.waived_by_credit or origin.billing_state == "credited":
            raise UserError(
                self.env._(
                    "The return %s has already been credited by a credit note for its"
                    " sale's invoice.",
                    self.external_ref,
                )
            )
        if origin.waived and origin not in unwaived and not origin._is_history():
            raise UserError(
                self.env._(
                    "The sale %(sale)s of the return %(ref)s is waived. Undo its"
                    " waiver first.",
                    sale=origin.external_ref,
                    ref=self.external_ref,
                )
            )

    def _is_history(self):
        """Tell whether this was billed elsewhere, see :func:`history_sql`."""
        self.ensure_one()
        self.env["lead.sale"].flush_model(["corrected_sale_id", "waived"])
        self.env["lead.sale.waiver"].flush_model(["sale_id"])
        # Was this recorded as waived, without a decision?
        return bool(
            self.env.execute_query(
                SQL(
                    "SELECT 1 FROM lead_sale sale WHERE sale.id = %s AND %s",
                    self.id,
                    history_sql("sale"),
                )
            )
        )

    def _search_returns(self):
        """Return the returns of these sales."""
        return self.search([("origin_id", "in", self.ids)])

    @api.model
    def _check_waiver_reason(self, reason):
        if not (reason and reason.strip()):
            raise UserError(self.env._("Enter a reason."))

    def _log_waiver(self, waived, reason, with_sale):
        """Record who decides this on these transactions, when and why."""
        # Nobody writes this record by hand; the rights were checked.
        self.env["lead.sale.waiver"].sudo().create(
            [
                {
                    "sale_id": sale.id,
                    "company_id": sale.company_id.id,
                    "waived": waived,
                    "reason": reason,
                    "own_reason": sale.reason,
                    "with_sale": sale in with_sale,
                }
                for sale in self
            ]
        )
