from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..tools.parsing import echo_reference

POWER_GROUPS = ("lead_invoicing.group_integrator", "lead_invoicing.group_user")


class ResPartner(models.Model):
    """May this buyer buy? What the distribution platform asks before it sells."""

    _inherit = "res.partner"

    # It stays with the contact that has it: of two with the same one, the platform's
    # leads could be neither's.
    ref = fields.Char(copy=False)
    lead_buying_hold = fields.Boolean(
        "Buying Hold",
        company_dependent=True,
        tracking=True,
        help="Tells the distribution platform not to sell to this buyer. Leads sold"
        " anyway are recorded and invoiced as usual.",
        groups="base.group_user",
    )
    lead_buying_hold_reason = fields.Char(
        "Reason for the Buying Hold",
        company_dependent=True,
        tracking=True,
        help="What the distribution platform is told.",
        groups="base.group_user",
    )

    def _commercial_fields(self):
        return super()._commercial_fields() + [
            "lead_buying_hold",
            "lead_buying_hold_reason",
        ]

    @api.model
    def lead_buying_power(self, refs):
        """Tell what each of these buyers can still spend in the user's current company.

        Also over HTTP, as ``POST /json/2/res.partner/lead_buying_power``. An answer,
        not a reservation: whoever asks at the same moment gets the same. Recording
        never refuses a sale for want of money, or for a hold. In a constant number of
        queries, however many buyers are asked for.

        :param refs: list of names of buyers, as ``buyer_ref`` of
            ``lead.sale.record_transactions``
        :return: a list of dicts, in order: ``ref``; ``partner_id`` (of the contact that
            the name means, ``False`` if none or several); ``currency`` (code of the
            company's, in which the amount is; ``False`` for an unknown buyer);
            ``can_spend``: of a prepaid buyer its balance, of another one its credit
            limit less what it owes, drafts and unbilled leads with their tax included;
            less than zero where it is exceeded; ``False`` where there is no limit, 0.0
            for an unknown buyer; ``on_hold``; ``reason``, a sentence on why it is on
            hold or unknown, else empty
        :raises AccessError: for users who neither record transactions nor bill them
        :raises UserError: if ``refs`` is not a list
        """
        if not (self.env.su or any(map(self.env.user.has_group, POWER_GROUPS))):
            raise AccessError(
                self.env._(
                    "Only the distribution platform and users of Lead Invoicing can ask"
                    " what a buyer can spend."
                )
            )
        if not isinstance(refs, (list, tuple)):
            raise UserError(
                self.env._("Send a list of buyer references, as the value of “refs”.")
            )
        recorder = self.env["lead.sale"]._get_recorder(self.env.company)
        rows = recorder.find_buyers(refs)
        buyers = {row.commercial_partner_id for row in rows if not row.status}
        # No more is told of a buyer than what it may spend, and why it may not.
        answers = self.sudo().browse(buyers)._get_lead_buying_power()
        return [
            {
                "ref": echo_reference(ref) or False,
                **(
                    {"partner_id": row.partner_id, **answers[row.commercial_partner_id]}
                    if not row.status
                    else self._prepare_unknown_buying_power(row)
                ),
            }
            for ref, row in zip(refs, rows, strict=True)
        ]

    @api.model
    def _prepare_unknown_buying_power(self, row):
        return {
            "partner_id": False,
            "currency": False,
            # False would be: no limit.
            "can_spend": 0.0,
            "on_hold": False,
            "reason": row.message,
        }

    def _get_lead_buying_power(self):
        """Return what each of these commercial entities can spend in the current
        company.

        :return: {id: dict with ``currency``, ``can_spend``, ``on_hold``, ``reason``},
            as :meth:`lead_buying_power` tells them
        """
        exposures = self._get_lead_exposures()
        return {
            partner.id: {
                "currency": self.env.company.currency_id.name,
                "can_spend": partner._get_lead_can_spend(exposures.get(partner.id, 0)),
                "on_hold": partner.lead_buying_hold,
                "reason": partner._get_lead_buying_reason(),
            }
            for partner in self
        }

    def _get_lead_can_spend(self, exposure):
        """Return what this buyer can still spend, in the company's currency; False
        where nothing limits it.

        :param exposure: what it owes, as :meth:`_get_lead_exposures` tells
        """
        self.ensure_one()
        company = self.env.company
        if self.lead_billing_mode == "prepaid":
            return 0.0 - exposure
        if not (company.account_use_credit_limit and self.credit_limit):
            return False
        return company.currency_id.round(self.credit_limit - exposure)

    def _get_lead_buying_reason(self):
        self.ensure_one()
        if not self.lead_buying_hold:
            return ""
        return self.lead_buying_hold_reason or self.env._(
            "This buyer is on buying hold."
        )
