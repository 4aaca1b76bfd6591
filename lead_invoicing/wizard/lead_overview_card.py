from odoo import models


class LeadOverviewCard(models.Model):
    """The list of what is left to set up, on the overview until it is done."""

    _inherit = "lead.overview.card"

    def _is_shown(self):
        shown = super()._is_shown()
        return shown and not (self.code == "setup" and self.env.company.lead_setup_done)

    def _get_setup_figures(self, _reader):
        steps = self.env.company._get_lead_setup_steps()
        done = sum(step["done"] for step in steps)
        return {
            "figure_count": len(steps) - done,
            "figure": self.env._("%(done)s of %(all)s", done=done, all=len(steps)),
        }

    def _open_setup(self):
        return self.env["lead.setup"]._open()
