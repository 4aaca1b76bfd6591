from odoo import fields, models
from odoo.exceptions import UserError

from .account_move_delivery import DEFAULT_SENDING_HOURS, MAX_SENDING_HOURS


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lead_billing_cycle_id = fields.Many2one(
        related="company_id.lead_billing_cycle_id", readonly=False
    )
    lead_tz = fields.Selection(
        related="company_id.lead_tz", readonly=False, required=True
    )
    lead_tz_confirmed = fields.Boolean(
        related="company_id.lead_tz_confirmed", readonly=False
    )
    lead_billing_start = fields.Date(
        related="company_id.lead_billing_start", readonly=False
    )
    lead_issue_zero = fields.Boolean(
        related="company_id.lead_issue_zero", readonly=False
    )
    lead_return_policy = fields.Selection(
        related="company_id.lead_return_policy", readonly=False, required=True
    )
    module_lead_invoicing_return = fields.Boolean("Return Requests")
    lead_feed_silence_hours = fields.Integer(
        related="company_id.lead_feed_silence_hours", readonly=False
    )
    lead_review_zero_price = fields.Boolean(
        related="company_id.lead_review_zero_price", readonly=False
    )
    lead_review_same_lead = fields.Boolean(
        related="company_id.lead_review_same_lead", readonly=False
    )
    lead_review_volume_factor = fields.Float(
        related="company_id.lead_review_volume_factor", readonly=False
    )
    lead_sending_hours = fields.Integer(
        "Alert When Not Sent For (Hours)",
        config_parameter="lead_invoicing.sending_hours",
        default=DEFAULT_SENDING_HOURS,
    )
    lead_data_months = fields.Integer(
        related="company_id.lead_data_months", readonly=False
    )
    lead_data_erased_before = fields.Datetime(
        related="company_id.lead_data_erased_before"
    )

    def set_values(self):
        """Save the settings.

        :raises UserError: for hours that are none: Odoo would go back to the default
            without a word, or search in a year that there is not
        """
        hours = self.lead_sending_hours
        # What was there before keeps nobody from other settings.
        before = self.default_get(["lead_sending_hours"]).get("lead_sending_hours")
        if hours != before and not 1 <= hours <= MAX_SENDING_HOURS:
            raise UserError(
                self.env._(
                    "%(field)s: enter a number from 1 to %(most)s.",
                    field=self._fields["lead_sending_hours"]._description_string(
                        self.env
                    ),
                    most=MAX_SENDING_HOURS,
                )
            )
        return super().set_values()
