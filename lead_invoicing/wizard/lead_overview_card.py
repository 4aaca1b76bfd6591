from odoo import models


class LeadOverviewCard(models.Model):
    """The list of what is left to set up, on the overview until it is done."""

    _inherit = "lead.overview.card"

    def _is_shown(self):
        shown = super()._is_shown()
        return shown and not (self.code == "setup" and self._is_set_up())

    def _is_set_up(self):
        """Tell whether the current company has all that invoices need, and made one."""
        steps = self._get_setup_steps()
        return sum(steps) == len(steps)

    def _get_setup_steps(self):
        """Return which steps are done: list of booleans."""
        setup = self.env["lead.setup"].new()
        return [
            setup.has_journal,
            setup.has_lead_type,
            bool(setup.cycle_id),
            setup.has_sale,
            setup.has_document,
        ]

    def _get_setup_figures(self, _reader):
        steps = self._get_setup_steps()
        return {
            "figure_count": len(steps) - sum(steps),
            "figure": self.env._(
                "%(done)s of %(all)s", done=sum(steps), all=len(steps)
            ),
        }

    def _open_setup(self):
        return self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_setup"
        )
