from odoo import fields, models

from ..tools.parsing import fold


class LeadSale(models.Model):
    """Why a lead was returned: the text that came with it, and the reason it is."""

    _inherit = "lead.sale"

    reason_id = fields.Many2one(
        "lead.return.reason",
        "Return Reason",
        check_company=True,
        ondelete="restrict",
        help="The return reason in the list whose code or name is the reason that the"
        " return came with.",
    )

    # A foreign key, which is slow to check without; and the returns for a reason.
    _reason_idx = models.Index("(reason_id) WHERE reason_id IS NOT NULL")

    def write(self, vals):
        """Match the text of a return anew where it is corrected."""
        # Waiving writes why something is waived into the same text.
        if "reason" not in vals or {"reason_id", "waived"} & vals.keys():
            return super().write(vals)
        vals = {**vals, **self._read_texts(vals)}
        for company in self.company_id:
            returns = self.filtered(
                lambda sale, company=company: (
                    sale.company_id == company and sale.transaction_type == "return"
                )
            )
            # Whoever may correct the text may have it matched.
            words = self.env["lead.return.reason"].sudo()._get_words(company)
            reason_id = words.get(fold(vals["reason"]), False)
            super(LeadSale, returns).write({**vals, "reason_id": reason_id})
        others = self.filtered(lambda sale: sale.transaction_type != "return")
        return super(LeadSale, others).write(vals)
