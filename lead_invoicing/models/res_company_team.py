from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """Who looks after what needs a person: the billing team.

    An exception is one activity. It belongs to the *Responsible* of its billing cycle,
    where one was chosen, or to a team of one; else it is nobody's in particular, and
    whoever of the team finds it under *Exceptions* does it for all.
    """

    _inherit = "res.company"

    lead_team_user_ids = fields.Many2many(
        "res.users",
        "res_company_lead_team_rel",
        "company_id",
        "user_id",
        "Billing Team",
        domain=lambda self: [
            ("all_group_ids", "in", self.env.ref("lead_invoicing.group_user").id)
        ],
        help="Looks after what could not be invoiced, confirmed or delivered: the team"
        " shares the list of exceptions, except those of billing cycles with a"
        " responsible of their own.",
        groups="base.group_user",
    )

    @api.constrains("lead_team_user_ids")
    def _check_lead_team(self):
        for company in self:
            for user in company.lead_team_user_ids:
                if not user._is_of_lead_team(company):
                    raise ValidationError(
                        self.env._(
                            "%(user)s cannot be in the billing team of %(company)s:"
                            " give this user the Billing role of Lead Invoicing and"
                            " access to the company first.",
                            user=user.name,
                            company=company.name,
                        )
                    )

    def _get_lead_team(self):
        """Return the users of this company's team who still may do its work."""
        self.ensure_one()
        return self.lead_team_user_ids.filtered(
            lambda user: user.active and user._is_of_lead_team(self)
        )

    def _get_lead_responsible(self, cycle=None):
        """Return whose an exception is; empty: the team shares it.

        :param cycle: the ``lead.billing.cycle`` it belongs to; by default the company's
        """
        self.ensure_one()
        # Whoever meets an exception has it raised, and is not told for whom.
        company = self.sudo()
        cycle = company.lead_billing_cycle_id if cycle is None else cycle.sudo()
        if cycle.user_id.active:
            return cycle.user_id
        team = company._get_lead_team()
        return team if len(team) == 1 else team.browse()

    def _get_lead_lang(self, cycle=None):
        """Return the language of who reads what is told of an exception: that of its
        responsible, else of the first of the team, else of the company.

        :param cycle: see :meth:`_get_lead_responsible`
        """
        # As above.
        company = self.sudo()
        readers = company._get_lead_responsible(cycle) or company._get_lead_team()
        return readers[:1].lang or company.partner_id.lang
