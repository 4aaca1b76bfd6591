from odoo import SUPERUSER_ID, api


def migrate(cr, _version):
    """Nobody is asked any more to send what was reversed."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    undelivered = env["account.move"].search(
        [
            ("lead_credited", "=", True),
            ("lead_delivery_state", "not in", (False, "sent")),
        ]
    )
    undelivered._end_lead_delivery_of_credited()
