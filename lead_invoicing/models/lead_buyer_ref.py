from odoo import api, fields, models

from ..tools.platform_code import ReadableCode
from ..tools.protected_fields import CompanyGuard


class LeadBuyerRef(ReadableCode, CompanyGuard, models.Model):
    """A name under which the distribution platform knows a buyer.

    It wins over the contacts' own references, so that it also settles ambiguous ones.
    """

    _name = "lead.buyer.ref"
    _code_field = "ref"
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

    @api.model
    def _get_code_error(self, sentence=None):
        if sentence:
            return self.env._("Platform Reference: %s", sentence)
        return self.env._("Platform Reference: remove leading and trailing spaces.")
