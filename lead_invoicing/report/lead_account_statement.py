from dateutil.relativedelta import relativedelta

from odoo import api, models

from .account_statement import AccountStatement
from .params import read_params


class LeadAccountStatement(models.AbstractModel):
    """Opens the statement of account of a buyer. Whoever may see it is decided here:
    portal users see their own commercial partner's, with every company; internal users
    need the group *Billing*, and see the companies that they are in."""

    _name = "lead.account.statement"
    _description = "Statement of Account"

    @api.model
    def _open(self, partner, params):
        """Return the statement of a buyer.

        :param partner: the buyer, or a contact of it
        :param params: dict of texts, as the address has them: ``date_from`` and
            ``date_to``, days such as 2026-01-31, both inclusive, by accounting date;
            by default from the first day of last month until today
        :rtype: odoo.addons.lead_invoicing.report.account_statement.AccountStatement
        :raises AccessError: if the reader may not see this buyer's account
        :raises UserError: a sentence that names the parameter that is not right
        """
        partner = self.env["lead.invoicing.report"]._check_reader(partner)
        today = self.env.company._get_lead_today()
        dates = {name: params.get(name) for name in ("date_from", "date_to")}
        asked = read_params(self.env, dates)
        date_to = asked.date_to or max(today, asked.date_from or today)
        date_from = asked.date_from or min(
            today + relativedelta(months=-1, day=1), date_to
        )
        companies = self.env.companies
        if self.env.user._is_portal():
            # The items are the buyer's own, whoever sold.
            companies = self.env["lead.type"]._get_lead_companies()
        self.env.flush_all()
        return AccountStatement(self.env, partner, companies, date_from, date_to)
