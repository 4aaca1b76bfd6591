from odoo import models

from ..tools.engine_fields import engine_at_work


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_values(self, src_partners, dst_partner):
        # Whoever may merge contacts moves how they are billed along, as it was decided.
        with engine_at_work():
            return super()._update_values(src_partners, dst_partner)
