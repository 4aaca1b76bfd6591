from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """Who looked after a company's billing cycles is its billing team; cycles keep the
    responsible that they have. What needs a person is named with its buyer."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    for company, users in env["lead.billing.cycle"]._read_group(
        [("user_id", "!=", False)], ["company_id"], ["user_id:recordset"]
    ):
        if not company.lead_team_user_ids:
            company.lead_team_user_ids = users.filtered(
                lambda user, company=company: (
                    user.active and user._is_of_lead_team(company)
                )
            )
    env["mail.activity"].search(
        [("lead_exception", "=", True), ("res_model", "=", "account.move")]
    )._compute_res_name()
