from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """End the receipts whose money is gone, and tell someone."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    moves = env["account.move"]
    receipts = [("lead_is_receipt", "=", True)]
    moves.search([*receipts, ("lead_credited", "=", True)])._set_lead_receipt(False)
    env["account.partial.reconcile"].search(
        [
            ("debit_move_id.move_id", "any", receipts),
            ("credit_move_id.parent_state", "!=", "posted"),
        ]
    ).credit_move_id.move_id._undo_lead_settlement()
    moves.search([*receipts, ("amount_residual", "!=", 0)])._end_unpaid_lead_receipts()
