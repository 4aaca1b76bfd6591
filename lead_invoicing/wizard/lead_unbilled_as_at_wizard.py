from odoo import fields, models
from odoo.tools import format_date, format_datetime


class LeadUnbilledAsAtWizard(models.TransientModel):
    """Asks for which day, and as known when, to show what was unbilled."""

    _name = "lead.unbilled.as.at.wizard"
    _description = "Unbilled Leads as of a Date"

    as_at = fields.Date(
        "As Of (End of Day)",
        required=True,
        default=lambda self: fields.Date.end_of(
            fields.Date.subtract(self.env.company._get_lead_today(), months=1), "month"
        ),
        help="Through the end of this day, in the company's billing time zone.",
    )
    known_at = fields.Datetime(
        "Based on Data Through",
        help="Leaves out what was recorded after this moment, to reproduce what a"
        " report showed then. Leave empty to use all data recorded so far.",
    )

    def action_view(self):
        """Open the list of what was unbilled.

        :raises UserError: for a day of another time
        """
        self.ensure_one()
        context = {
            "unbilled_as_at": fields.Date.to_string(self.as_at),
            "unbilled_known_at": fields.Datetime.to_string(self.known_at),
        }
        self.env["lead.unbilled.as.at"].with_context(**context)._get_moments()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "lead_invoicing.action_lead_unbilled_as_at"
        )
        action["name"] = self._get_title()
        action["context"] = context
        return action

    def _get_title(self):
        day = format_date(self.env, self.as_at)
        if not self.known_at:
            return self.env._("Unbilled as of %s", day)
        return self.env._(
            "Unbilled as of %(day)s, based on data through %(moment)s",
            day=day,
            moment=format_datetime(self.env, self.known_at),
        )
