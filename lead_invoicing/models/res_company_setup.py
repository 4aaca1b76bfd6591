from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

# The documents that have left for their buyers.
DELIVERED_DOMAIN = [
    ("lead_run_id", "!=", False),
    ("lead_delivery_state", "in", ("sent", "handed_over")),
]


class ResCompany(models.Model):
    """What a company needs until its first invoice is delivered, and what of it is
    there: read from the records themselves, whoever made them and by whatever way."""

    _inherit = "res.company"

    lead_mail_tested_at = fields.Datetime(
        "Mail Server Tested",
        readonly=True,
        help="When the mail server last accepted a test email of Lead Invoicing.",
        groups="base.group_user",
    )
    lead_setup_hidden = fields.Boolean(
        "Getting Started Hidden",
        help="The overview no longer shows what is left to set up.",
        groups="base.group_user",
    )
    lead_setup_done = fields.Boolean(
        compute="_compute_lead_setup_done",
        help="All that a first invoice needs is set up and one was delivered, or the"
        " list was hidden.",
        groups="base.group_user",
    )

    @api.depends("lead_setup_hidden")
    def _compute_lead_setup_done(self):
        for company in self:
            company.lead_setup_done = company.lead_setup_hidden or all(
                step["done"] for step in company._get_lead_setup_steps()
            )

    def _get_lead_setup_steps(self):
        """Return what there is to do until a first invoice is delivered, in order.

        :return: a list of dicts: ``key``, ``name`` (in the language of the context)
            and ``done``; a fixed number of queries, whatever there is
        """
        self.ensure_one()
        # Who bills is told what is there, and nothing of it.
        company = self.sudo().with_company(self)
        steps = [
            (
                "address",
                self.env._("Company address and logo"),
                company._has_lead_address(),
            ),
            ("zone", self.env._("Billing time zone"), company.lead_tz_confirmed),
            (
                "type",
                self.env._("What you sell, and its tax"),
                company._has_lead_type(),
            ),
            ("cycle", self.env._("When you invoice"), company._has_lead_cycle()),
            ("mail", self.env._("Mail server"), company._has_lead_mail()),
            (
                "team",
                self.env._("Who looks after exceptions"),
                bool(company._get_lead_team()),
            ),
            (
                "buyer",
                self.env._("Buyers with email addresses"),
                company._has_lead_buyer(),
            ),
            ("sale", self.env._("First lead received"), company._has_lead_sale()),
            ("portal", self.env._("A buyer in the portal"), company._has_lead_portal()),
            (
                "delivery",
                self.env._("First invoice delivered"),
                company._has_lead_delivery(),
            ),
        ]
        return [{"key": key, "name": name, "done": done} for key, name, done in steps]

    # What is there

    def _has_lead_address(self):
        is_complete = self.street and self.city and self.country_id
        return bool(is_complete and not self.uses_default_logo)

    def _has_lead_type(self):
        return self._has_lead_setup("lead.type")

    def _has_lead_cycle(self):
        return self._has_lead_setup("lead.billing.cycle")

    def _has_lead_mail(self):
        """Tell whether mail is known to leave: the servers took a test email since
        they were last changed, or a document was sent."""
        servers = self.env["ir.mail_server"].search([("active", "=", True)])
        tested_at = self.lead_mail_tested_at
        # A server's date has a fraction of a second, the test's has none.
        if tested_at and all(
            server.write_date.replace(microsecond=0) <= tested_at for server in servers
        ):
            return True
        return self._has_lead_delivery()

    def _has_lead_buyer(self):
        domain = self._get_lead_buyers_domain() & Domain("email", "!=", False)
        return bool(self.env["res.partner"].search_count(domain, limit=1))

    def _has_lead_sale(self):
        return self._has_lead_setup("lead.sale")

    def _has_lead_portal(self):
        buyers = self._get_lead_buyers_domain()
        return bool(
            self.env["res.users"].search_count(
                [
                    ("share", "=", True),
                    ("partner_id.commercial_partner_id", "any", buyers),
                ],
                limit=1,
            )
        )

    def _has_lead_delivery(self):
        return self._has_lead_setup("account.move", *DELIVERED_DOMAIN)

    def _has_lead_setup(self, model, *domain):
        """Tell whether this company has a record that a domain finds."""
        domain = self._get_lead_setup_domain(model, *domain)
        return bool(self.env[model].search_count(domain, limit=1))

    def _get_lead_setup_domain(self, model, *domain):
        """Return the records of this company that a domain finds, but samples."""
        self.ensure_one()
        return (
            Domain("company_id", "=", self.id)
            & self._get_lead_real_domain(model)
            & Domain(domain)
        )

    def _get_lead_buyers_domain(self):
        """Return who is meant to buy leads: who has a billing cycle, a name at the
        platform, or a reference and sells nothing to us."""
        self.ensure_one()
        return (
            Domain("company_id", "in", [False, self.id])
            & Domain("parent_id", "=", False)
            & Domain("id", "!=", self.partner_id.id)
            & self._get_lead_real_domain("res.partner")
            & (
                Domain("lead_billing_cycle_id", "!=", False)
                | Domain("lead_buyer_ref_ids", "any", [("company_id", "=", self.id)])
                | (Domain("ref", "!=", False) & Domain("supplier_rank", "=", 0))
            )
        )

    # What is done for it

    def _send_lead_test_mail(self, user):
        """Send a test email to a user, by the mail server that invoices go by.

        :return: whether the server took it, and a sentence that says so, or why not
        """
        self.ensure_one()
        if not user.email:
            return False, self.env._(
                "You have no email address yet: enter it in your preferences."
            )
        # Whoever manages billing may see that mail leaves, not how.
        servers = self.env["ir.mail_server"].sudo()
        message = servers._build_email__(
            self.sudo().email_formatted or user.email_formatted,
            [user.email_formatted],
            self.env._("Test email of Lead Invoicing"),
            self.env._("Invoices of %s can be sent from here.", self.sudo().name),
        )
        # The record of it is the addon's own.
        company = self.sudo()
        try:
            # Written before anything leaves: others write the company, too, and what
            # they were first with is repeated.
            with self.env.cr.savepoint():
                company.lead_mail_tested_at = fields.Datetime.now()
                company.flush_recordset(["lead_mail_tested_at"])
                servers.send_email(message)
        except (MailDeliveryException, UserError, OSError) as error:
            reason = " ".join(str(part) for part in error.args) or str(error)
            return False, self.env._(
                "The test email was not sent: %s", " ".join(reason.split())
            )
        return True, self.env._(
            "The mail server accepted a test email to %s. Check your inbox.", user.email
        )

    def _make_lead_api_key(self):
        """Return a new API key of the platform's user in this company, who is created
        when there is none: it records transactions, and nothing else.

        :raises AccessError: for users who are no administrators
        """
        self.ensure_one()
        self.env["res.users"].check_access("create")
        # Administrators may have keys that do not expire, as Odoo's own dialog says.
        user = self.sudo()._get_lead_platform_user()
        keys = self.env["res.users.apikeys"].with_user(user).sudo()
        return keys._generate(None, self.env._("Distribution platform"), None)

    def _get_lead_platform_user(self):
        login = f"lead-platform-{self.id}"
        users = self.env["res.users"].with_context(
            active_test=False, no_reset_password=True
        )
        return users.search([("login", "=", login)]) or users.create(
            {
                "name": self.env._("Distribution Platform"),
                "login": login,
                "company_id": self.id,
                "company_ids": [fields.Command.set(self.ids)],
                "group_ids": [
                    fields.Command.set(
                        [
                            self.env.ref("base.group_user").id,
                            self.env.ref("lead_invoicing.group_integrator").id,
                        ]
                    )
                ],
            }
        )
