from odoo import fields, models

from ..tools.protected_fields import EngineOnly


class LeadReminder(EngineOnly, models.Model):
    """That a buyer was reminded of an invoice: each level once for each due date.

    The row is written in one transaction with its mail, which only waits in Odoo's
    queue then: what leaves the database does so afterwards, in a transaction of the
    queue's own. A process that dies leaves both or neither.
    """

    _name = "lead.reminder"
    _description = "Payment Reminder"
    _order = "id desc"
    _rec_name = "move_id"

    move_id = fields.Many2one(
        "account.move", "Invoice", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="move_id.company_id", store=True, precompute=True
    )
    partner_id = fields.Many2one(
        related="move_id.commercial_partner_id", string="Buyer"
    )
    level = fields.Integer("Reminder", required=True)
    due_date = fields.Date(
        required=True,
        help="Since when the invoice was overdue: its due date, or the day on which a"
        " dispute of it was rejected.",
    )
    day = fields.Date("Reminded On", required=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount = fields.Monetary(help="What the buyer was asked to pay.")
    message_id = fields.Many2one(
        "mail.message", "Email", index="btree_not_null", ondelete="set null"
    )
    state = fields.Selection(
        [("queued", "To send"), ("sent", "Sent"), ("failed", "Not sent")],
        required=True,
        default="queued",
    )

    _once_uniq = models.UniqueIndex(
        "(move_id, due_date, level)",
        "The buyer has already been reminded of this invoice.",
    )
    # What became of which mails is not known yet?
    _queued_idx = models.Index("(id) WHERE state = 'queued'")
