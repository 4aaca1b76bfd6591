from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.parsing import RowError, read_reference
from ..tools.protected_fields import CompanyGuard


class LeadBuyerRef(CompanyGuard, models.Model):
    """A name under which the distribution platform knows a buyer.

    It wins over the contacts' own references, so that it also settles ambiguous ones.
    """

    _name = "lead.buyer.ref"
    _description = "Lead Buyer Reference"
    _rec_name = "ref"
    _order = "ref, id"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    ref = fields.Char("Platform Reference", required=True)
    partner_id = fields.Many2one(
        "res.partner",
        "Buyer",
        required=True,
        index=True,
        check_company=True,
        ondelete="cascade",
    )

    # No partner column in a unique index: a contact merge deletes what violates it.
    _ref_company_uniq = models.UniqueIndex(
        "(company_id, ref)", "This reference already belongs to a buyer."
    )

    @api.constrains("ref")
    def _check_ref(self):
        for buyer_ref in self:
            try:
                ref = read_reference(self.env, "ref", buyer_ref.ref, required=True)
            except RowError as refused:
                raise ValidationError(
                    self.env._("Platform Reference: %s", refused.sentence)
                ) from None
            if ref != buyer_ref.ref:
                raise ValidationError(
                    self.env._(
                        "Platform Reference: remove leading and trailing spaces."
                    )
                )
