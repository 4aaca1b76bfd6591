from odoo import fields, models

from ..tools.protected_fields import EngineOnly


class LeadDeliveryAttempt(EngineOnly, models.Model):
    """That Odoo sent a lead document, or gave it up.

    What leaves the database cannot be rolled back, so where Odoo sends, nothing is
    written that could make its transaction fail: only these rows, which nobody else
    writes. ``account.move._cron_follow_lead_deliveries`` carries over to the documents
    what came of them.
    """

    _name = "lead.delivery.attempt"
    _description = "Attempt to Deliver a Lead Document"
    _order = "id desc"

    move_id = fields.Many2one(
        "account.move", "Document", required=True, index=True, ondelete="cascade"
    )
    methods = fields.Char(help="The sending methods, as Odoo names them.")
    error = fields.Text(help="Why Odoo gave up.")
    followed = fields.Boolean(help="Carried over to the document.")

    _to_follow_idx = models.Index("(move_id) WHERE followed IS NOT TRUE")

    def _log(self, moves_data):
        """Record what Odoo did with lead documents.

        :param moves_data: Odoo's data by document, as its hooks get them
        """
        vals_list = []
        for move, data in moves_data.items():
            # Without a way, somebody only made the PDF.
            methods = set(data["sending_methods"]) - {"manual"}
            error = data.get("error")
            if move.lead_run_id and (methods or error):
                if error:
                    error = self.env["account.move.send"]._format_error_text(error)
                vals_list.append(
                    {
                        "move_id": move.id,
                        "methods": ",".join(sorted(methods)),
                        "error": error,
                    }
                )
        if vals_list:
            # Whoever may send a document leaves this record.
            self.sudo().create(vals_list)
            self.env["account.move"]._wake_lead_following()
