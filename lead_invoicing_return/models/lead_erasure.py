from odoo import models
from odoo.tools import SQL


class LeadErasure(models.Model):
    """With the data of a lead, what was written about it in requests is erased."""

    _inherit = "lead.erasure"

    def _erase(self, company, rows):
        count = super()._erase(company, rows)
        # Whoever may erase the data of a lead erases what was written about it.
        requests = self.env["lead.return.request"].sudo()
        requests.flush_model()
        requests.env["mail.message"].flush_model(["body"])
        # Forget what buyer and seller wrote about these leads, also in the log.
        self.env.execute_query(
            SQL(
                """
                WITH request AS (
                    UPDATE lead_return_request
                       SET note = NULL, answer = NULL, question = NULL
                     WHERE sale_id IN (
                           SELECT id FROM lead_sale WHERE company_id = %s AND %s)
                 RETURNING id
                ), message AS (
                    UPDATE mail_message
                       SET body = ''
                      FROM request
                     WHERE model = 'lead.return.request' AND res_id = request.id
                 RETURNING res_id
                )
                SELECT count(*) FROM message
                """,
                company.id,
                rows,
            )
        )
        requests.invalidate_model(["note", "answer", "question"])
        requests.env["mail.message"].invalidate_model(["body"])
        return count
