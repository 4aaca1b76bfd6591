import requests

from odoo import models
from odoo.exceptions import ValidationError

# The job that recharges, and carries over what became of it.
RECHARGING = "lead_invoicing_payment.ir_cron_recharge"
# What a server or something on the way says, where nobody knows what came of a request.
UNANSWERED = {408, 409, 425, 429}


class ChargeUnansweredError(Exception):
    """Nobody knows what became of a request to a provider."""


class PaymentTransaction(models.Model):
    """A request without an answer is no refusal."""

    _inherit = "payment.transaction"

    def _get_lead_recharges(self):
        """Return the recharges that these transactions are of."""
        # Only whether there is one, and what became of it.
        recharges = self.env["lead.recharge"].sudo()
        return recharges.search([("transaction_id", "in", self.ids)])

    def _send_api_request(
        self, method, endpoint, *, params=None, data=None, json=None, **kwargs
    ):
        """Tell a refusal from an answer that never came: Odoo makes an error of both,
        and a charge that was made would look as if it was not."""
        try:
            return super()._send_api_request(
                method, endpoint, params=params, data=data, json=json, **kwargs
            )
        except ValidationError as error:
            # Only where somebody asks again.
            if self._get_lead_recharges() and _is_unanswered(error.__context__):
                raise ChargeUnansweredError(str(error)) from error
            raise

    def _post_process(self):
        """Carry over soon what became of a recharge, whoever posted it."""
        result = super()._post_process()
        if self._get_lead_recharges().filtered(lambda r: r.state != "paid"):
            self.env["ir.cron"]._wake_lead_job(RECHARGING)
        return result


def _is_unanswered(error):
    """Tell whether a failed request may have been done all the same."""
    if isinstance(error, requests.exceptions.HTTPError):
        status = error.response.status_code
        return status >= 500 or status in UNANSWERED
    return isinstance(
        error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout)
    )
