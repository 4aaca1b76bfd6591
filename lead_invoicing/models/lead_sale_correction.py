from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


def is_left_alone_sql():
    """Return the condition on ``sale`` that it is the new price of a correction whose
    return is billed without it, as a line of their document was deleted: it is owed,
    whatever becomes of the sale that it corrects."""
    return SQL(
        """
        (sale.transaction_type = 'sale' AND EXISTS (
            SELECT FROM lead_sale half
             WHERE half.corrected_sale_id = sale.corrected_sale_id
               AND half.transaction_type = 'return'
               AND half.invoice_line_id IS NOT NULL))
        """
    )


class LeadSale(models.Model):
    """A correction of the price of a sale: a full return of it, and a sale at the new
    price, less what was returned before."""

    _inherit = "lead.sale"

    corrected_sale_id = fields.Many2one(
        "lead.sale",
        readonly=True,
        copy=False,
        check_company=True,
        ondelete="restrict",
        help="The sale whose price this corrects, together with the other transaction"
        " that corrects it: a return of the sale, and a sale at the new price.",
    )
    corrected_price = fields.Monetary(
        readonly=True,
        copy=False,
        help="Of a price correction: the new price on its sale, the price before on its"
        " return, whatever was returned of the sale otherwise.",
    )
    correction_summary = fields.Char("Correction", compute="_compute_correction")

    # One correction of each sale: the next one corrects the sale that this one made.
    # Also answers which transactions correct a sale.
    _corrected_sale_uniq = models.UniqueIndex(
        "(corrected_sale_id, transaction_type) WHERE corrected_sale_id IS NOT NULL",
        "Another correction of this sale was recorded at the same moment; try again.",
    )

    def _compute_correction(self):
        corrected = self.corrected_sale_id
        pairs = {
            (sale.corrected_sale_id, sale.transaction_type): sale
            for sale in self.search([("corrected_sale_id", "in", corrected.ids)])
        }
        for sale in self:
            key = sale.corrected_sale_id
            old, new = pairs.get((key, "return")), pairs.get((key, "sale"))
            sale.correction_summary = (
                old
                and new
                and self.env._(
                    "Price corrected from %(old)s to %(new)s",
                    old=sale.currency_id.format(old.corrected_price),
                    new=sale.currency_id.format(new.corrected_price),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_half_of_correction(self):
        corrected = self.corrected_sale_id
        kept = self.search([("corrected_sale_id", "in", corrected.ids)]) - self
        for sale in kept[:1]:
            raise UserError(
                self.env._(
                    "%(ref)s is half of a correction of the price of %(sale)s. Delete"
                    " both of its transactions, or record another price correction.",
                    ref=sale.external_ref,
                    sale=sale.corrected_sale_id.external_ref,
                )
            )

    def _search_corrections(self):
        """Return both transactions of what corrects the prices of these sales, and of
        what corrects those in turn."""
        found = self.browse()
        sales = self
        while sales := self.search([("corrected_sale_id", "in", sales.ids)]) - found:
            found |= sales
        return found

    def _search_returns(self):
        """A sale takes along what corrects its price, and the returns of that."""
        sales = self | self._search_corrections()
        return super(LeadSale, sales)._search_returns() | (sales - self)

    def _check_correction_whole(self):
        """Refuse to decide on a price correction without its sale: half of it, or what
        others rely on, would stay.

        :raises UserError: naming the transaction
        """
        for sale in self:
            if sale.corrected_sale_id and sale.corrected_sale_id not in self:
                raise UserError(
                    self.env._(
                        "%(ref)s corrects the price of %(sale)s. Choose %(sale)s"
                        " instead, or record another price correction.",
                        ref=sale.external_ref,
                        sale=sale.corrected_sale_id.external_ref,
                    )
                )
