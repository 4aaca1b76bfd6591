from odoo import models


class ResCompany(models.Model):
    """Requests to return sample leads go with the sample."""

    _inherit = "res.company"

    def _unlink_lead_sample_records(self, sales, buyers):
        requests = self.env["lead.return.request"]
        requests.search([("sale_id", "in", sales.ids)]).unlink()
        return super()._unlink_lead_sample_records(sales, buyers)
