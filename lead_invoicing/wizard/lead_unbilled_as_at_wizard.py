from odoo import fields, models
from odoo.tools import format_date, format_datetime


class LeadUnbilledAsAtWizard(models.TransientModel):
    """Asks for which day, and as known when, to show what was unbilled."""

    _name = "lead.unbilled.as.at.wizard"
    _description = "Unbilled Leads as at a Date"

    as_at = fields.Date(
        "As at the End of",
        required=True,
        default=lambda self: fields.Date.end_of(
            fields.Date.subtract(self.env.company._get_lead_today(), months=1), "month"
        ),
        help="The end of this day in the company's billing time zone.",
    )
    known_at = fields.Datetime(
        "As Known on",
        help="Leave out what was recorded after this moment, to see again what a report"
        " of that moment showed. Empty: all that is known now.",
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
            return self.env._("Unbilled as at %s", day)
        return self.env._(
            "Unbilled as at %(day)s, as known on %(moment)s",
            day=day,
            moment=format_datetime(self.env, self.known_at),
        )
