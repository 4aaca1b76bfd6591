"""Say of which company the exceptions are that were there before."""

from odoo.tools import SQL


def migrate(cr, version):
    # The last failure of a buyer is what its activity tells of.
    cr.execute(
        """
        UPDATE mail_activity activity
           SET lead_company_id = failed.company_id
          FROM (
               SELECT DISTINCT ON (partner_id) partner_id, company_id
                 FROM lead_invoice_run_buyer
                WHERE state = 'failed'
                ORDER BY partner_id, id DESC
               ) failed,
               ir_model_data data
         WHERE activity.res_model = 'res.partner'
           AND activity.res_id = failed.partner_id
           AND activity.activity_type_id = data.res_id
           AND data.model = 'mail.activity.type'
           AND data.module = 'lead_invoicing'
           AND data.name = 'mail_activity_type_lead_invoicing'
        """
    )
    # What is to be done on what is of one company is to be done there.
    for model, table in (
        ("account.move", "account_move"),
        ("lead.dispute", "lead_dispute"),
        ("lead.invoice.run", "lead_invoice_run"),
    ):
        cr.execute(
            SQL(
                """
                UPDATE mail_activity activity
                   SET lead_company_id = record.company_id
                  FROM %s record, ir_model_data data
                 WHERE activity.lead_company_id IS NULL
                   AND activity.res_model = %s
                   AND activity.res_id = record.id
                   AND activity.activity_type_id = data.res_id
                   AND data.model = 'mail.activity.type'
                   AND data.module = 'lead_invoicing'
                """,
                SQL.identifier(table),
                model,
            )
        )
