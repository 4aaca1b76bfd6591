from odoo import api, models


class LeadSale(models.Model):
    """Sample leads and real ones do not meet."""

    _inherit = "lead.sale"

    @api.model
    def _get_recorder(self, company, file_options=None):
        """Have refused what people and platforms record for sample buyers and types."""
        recorder = super()._get_recorder(company, file_options)
        # An answer tells only that something is a sample.
        samples = company.sudo()._get_lead_samples()
        # As the superuser, only code acts: what makes the sample.
        if samples and not self.env.su:
            # As above.
            buyers = company.sudo()._get_lead_samples("res.partner")
            recorder.rules.sample_type_ids = frozenset(samples.ids)
            recorder.rules.sample_buyer_ids = frozenset(buyers.ids)
        return recorder
