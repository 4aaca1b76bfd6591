from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.lead_billing_cycle import POSTINGS


class LeadAccountClosingWizard(models.TransientModel):
    """Shows what closing a buyer's account would do, and does it: all is billed now,
    the buyer leaves the schedule and may buy nothing, and what it is owed is paid
    back."""

    _name = "lead.account.closing.wizard"
    _description = "Close Account"

    partner_id = fields.Many2one("res.partner", "Buyer", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    billing_id = fields.Many2one("lead.invoice.wizard", required=True, readonly=True)
    # Read as the user: another user's preview is not told.
    summary = fields.Char(
        "To Be Billed Now", related="billing_id.summary", related_sudo=False
    )
    line_ids = fields.One2many(related="billing_id.line_ids", related_sudo=False)
    posting = fields.Selection(POSTINGS, "Invoices", required=True, default="send")
    owed = fields.Text("Owed So Far", compute="_compute_owed")
    open_dispute_count = fields.Integer("Open Disputes", compute="_compute_owed")
    is_on_hold = fields.Boolean(compute="_compute_owed")
    journal_id = fields.Many2one(
        "account.journal",
        "Pay Back From",
        check_company=True,
        domain="[('type', 'in', ('bank', 'cash')), ('company_id', '=', company_id)]",
        help="What the buyer is owed once all is billed becomes a draft payment from"
        " here, for someone to send. Leave empty to create none.",
    )

    @api.depends("partner_id", "company_id")
    def _compute_owed(self):
        for wizard in self:
            buyer = wizard.partner_id.with_company(wizard.company_id)
            wizard.owed = buyer._get_lead_owed_text()
            wizard.is_on_hold = buyer.lead_billing_hold
            wizard.open_dispute_count = self.env["lead.dispute"].search_count(
                [
                    ("partner_id", "=", buyer.id),
                    ("company_id", "=", wizard.company_id.id),
                    ("state", "=", "open"),
                ]
            )

    @api.model
    def _get_open_action(self, buyer):
        """Return the action that shows what closing this buyer's account would do."""
        company = self.env.company
        billing = self.env["lead.invoice.wizard"].create(
            {
                "partner_ids": buyer.ids,
                "company_id": company.id,
                # What was sold until now, not only until yesterday.
                "date_to": company._get_lead_today(),
                "ignore_minimum": True,
                # No scheduled run comes that would bill them.
                "include_charges": True,
                "closes_account": True,
            }
        )
        billing.action_preview()
        wizard = self.create(
            {
                "partner_id": buyer.id,
                "company_id": company.id,
                "billing_id": billing.id,
                "journal_id": self.env["account.journal"]
                .search(
                    [
                        *self.env["account.journal"]._check_company_domain(company),
                        ("type", "=", "bank"),
                    ],
                    limit=1,
                )
                .id,
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Close Account"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_close(self):
        """Bill everything and close the account.

        :return: the action that shows the closed account
        :raises UserError: when something cannot be billed; the account stays open
        """
        self.ensure_one()
        buyer = self.partner_id.with_company(self.company_id)
        if buyer.lead_closing_id:
            raise UserError(self.env._("This account is already closed."))
        if buyer.lead_billing_hold:
            raise UserError(
                self.env._(
                    "%s is on billing hold, so its leads cannot be invoiced. Remove the"
                    " hold, then close the account.",
                    buyer.display_name,
                )
            )
        run = self._bill()
        closing = buyer._close_lead_account(run, self.journal_id)
        return closing._get_records_action(name=self.env._("Closed Account"))

    def _bill(self):
        """Bill all that is unbilled, as a manual run does.

        :return: the ``lead.invoice.run``; None when there is nothing to bill
        :raises UserError: for what cannot be billed; the run stays, and says why
        """
        runs = self.env["lead.invoice.run"]
        self.billing_id.posting = self.posting
        new = runs.new(self.billing_id._prepare_run_vals())
        if not new._find_buyers(self.partner_id):
            return None
        run = runs.browse(self.billing_id.action_invoice()["res_id"])
        if run.state != "done":
            reasons = run.buyer_ids.filtered("message").mapped("message")
            raise UserError(
                self.env._(
                    "The account is still open, because not everything could be"
                    " invoiced: %s Fix this, then close the account again.",
                    " ".join([*reasons, run.message or ""]),
                )
            )
        return run
