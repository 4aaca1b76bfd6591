from odoo import api, models

from .buyer_home import BuyerHome


class LeadBuyerHome(models.AbstractModel):
    """Opens a buyer's home in the portal. Whoever may see it is decided here, by the
    rule of the Invoicing Report: portal users see their own commercial partner's, with
    every company."""

    _name = "lead.buyer.home"
    _description = "Buyer's Home"

    @api.model
    def _open(self, partner):
        """Return the home of a buyer.

        :param partner: the buyer, or a contact of it
        :rtype: odoo.addons.lead_invoicing.report.buyer_home.BuyerHome
        :raises AccessError: if the reader may not see this buyer's account
        """
        partner = self.env["lead.invoicing.report"]._check_reader(partner)
        companies = self.env["lead.type"]._get_lead_companies()
        if not self.env.user._is_portal():
            companies &= self.env.companies
        self.env.flush_all()
        return BuyerHome(self.env, partner, companies)
