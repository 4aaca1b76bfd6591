from odoo import api, fields, models
from odoo.tools import SQL


class LeadBalanceLevel(models.Model):
    """Which of the thresholds that balances crossed count now."""

    _inherit = "lead.balance.level"

    is_running_out = fields.Boolean(
        "Running Out Now",
        compute="_compute_is_running_out",
        search="_search_is_running_out",
        help="The buyer prepays, is alerted, and crossed this threshold last.",
    )
    balance_now = fields.Monetary(
        compute="_compute_balance_now",
        # Whoever sees that a balance is running out sees how much is left.
        compute_sudo=True,
    )

    @api.depends_context("allowed_company_ids")
    def _compute_is_running_out(self):
        now = self.search([("id", "in", self.ids), ("is_running_out", "=", True)])
        for record in self:
            record.is_running_out = record in now

    @api.depends("partner_id", "company_id")
    def _compute_balance_now(self):
        for record in self:
            buyer = record.partner_id.with_company(record.company_id)
            record.balance_now = buyer.lead_prepaid_balance

    @api.model
    def _search_is_running_out(self, operator, value):
        if operator != "in":
            return NotImplemented
        self.env["res.partner"].flush_model(
            ["lead_balance_alerts", "lead_billing_mode"]
        )
        found = SQL(" UNION ALL ").join(
            self._get_running_out_sql(company) for company in self.env.companies
        )
        return [("id", "in" if True in value else "not in", SQL("(%s)", found))]

    @api.model
    def _get_running_out_sql(self, company):
        # What is asked of buyers decides which records are found, and is not shown.
        partners = self.env["res.partner"].sudo().with_company(company)
        query = partners._search([], active_test=False, bypass_access=True)
        # Of the buyers of a company that prepay and are alerted: which threshold was
        # crossed last, if the balance is below it?
        return SQL(
            """
            SELECT last.id
              FROM (SELECT DISTINCT ON (partner_id) id, partner_id, level
                      FROM lead_balance_level
                     WHERE company_id = %(company)s
                     ORDER BY partner_id, id DESC) last
              JOIN res_partner ON res_partner.id = last.partner_id
             WHERE last.level != 'fine' AND %(mode)s = 'prepaid' AND %(alerts)s
            """,
            company=company.id,
            mode=partners._field_to_sql("res_partner", "lead_billing_mode", query),
            alerts=partners._field_to_sql("res_partner", "lead_balance_alerts", query),
        )

    # Actions

    def action_view_buyer(self):
        """Open the buyer, whose page has its balance and how long it lasts."""
        self.ensure_one()
        return self.partner_id._get_records_action()
