from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """What is stored by rules that have changed follows them: a top-up request is open
    again whose bank transaction was taken off the buyer, and a document counts what was
    given back of it since its customer came to belong to another company."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    requests = env["lead.top.up"].search([("move_id", "!=", False)])
    env.add_to_compute(requests._fields["state"], requests)
    documents = env["account.move"].search(
        [("lead_run_id", "!=", False), ("reversal_move_ids", "!=", False)]
    )
    documents.filtered(
        lambda move: (
            move.reversal_move_ids.commercial_partner_id - move.commercial_partner_id
        )
    )._update_given_back()
