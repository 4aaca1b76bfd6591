from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """Say of the returns billed before which documents they give back, and judge anew
    which documents are credited: returns count now, other currencies no longer."""
    # Where was the sale of each return when that was billed? It is there still, or has
    # left its document since, which was reversed, to be billed elsewhere; then the
    # return counts for that document, unless another one replaced it.
    cr.execute(
        """
        UPDATE account_move_line
           SET lead_origin_move_id = found.move_id
          FROM (SELECT line.id,
                       min(COALESCE(gone.invoice_id, origin_line.move_id)) AS move_id
                  FROM account_move_line line
                  JOIN lead_sale back ON back.invoice_line_id = line.id
                  JOIN lead_sale origin ON origin.id = back.origin_id
                  LEFT JOIN account_move_line origin_line
                       ON origin_line.id = origin.invoice_line_id
                  LEFT JOIN LATERAL (
                       SELECT invoice_id
                         FROM lead_sale_release release
                        WHERE release.sale_id = origin.id
                          AND release.create_date > line.create_date
                          AND NOT EXISTS (
                              SELECT FROM account_move again
                               WHERE again.lead_replaces_id = release.invoice_id)
                        ORDER BY release.id
                        LIMIT 1) gone ON TRUE
                 WHERE line.lead_transaction_type = 'return'
                   AND COALESCE(gone.invoice_id, origin_line.move_id) != line.move_id
                 GROUP BY line.id) found
         WHERE account_move_line.id = found.id
        """
    )
    cr.execute(
        """
        SELECT DISTINCT document.id
          FROM account_move document
          JOIN account_move reversal ON reversal.reversed_entry_id = document.id
         WHERE document.lead_run_id IS NOT NULL AND reversal.lead_run_id IS NULL
        """
    )
    env = api.Environment(cr, SUPERUSER_ID, {})
    ids = [move_id for (move_id,) in cr.fetchall()]
    env["account.move"].browse(ids)._update_given_back()
