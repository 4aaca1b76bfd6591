from odoo import fields, models


class AccountMove(models.Model):
    """How a lead document gets to its buyer, and what became of it."""

    _inherit = "account.move"

    lead_delivery_state = fields.Selection(
        [
            ("to_send", "To send"),
            ("sent", "Sent"),
            ("failed", "Not sent"),
            ("no_address", "No e-mail address"),
            ("by_hand", "To deliver by hand"),
        ],
        "Lead Invoice Delivery",
        readonly=True,
        copy=False,
    )

    def _queue_lead_sending(self):
        """Let Odoo send these posted documents in the background, at once; those that
        nobody can receive get an activity instead."""
        send = self.env["account.move.send"]
        to_send = self.browse()
        for move in self:
            methods = send._get_default_sending_methods(move)
            if methods == {"manual"}:
                move._set_lead_undelivered(
                    "by_hand",
                    self.env._(
                        "This buyer gets its invoices by hand: print and deliver it."
                    ),
                )
            elif methods == {"email"} and not move._get_lead_recipients():
                move._set_lead_undelivered(
                    "no_address",
                    self.env._(
                        "%s has no e-mail address. Add one, or name other recipients"
                        " on the buyer's Invoicing/Billing page, then send this"
                        " document.",
                        move.partner_id.display_name,
                    ),
                )
            else:
                to_send += move
        if not to_send:
            return
        # What became of a document is written down by whoever may post or send it.
        to_send.sudo().write(
            {
                "lead_delivery_state": "to_send",
                "sending_data": {
                    "author_user_id": self.env.user.id,
                    "author_partner_id": self.env.user.partner_id.id,
                },
            }
        )
        # Billing users may not touch scheduled actions; waking the one that sends
        # what they may send anyway gives them nothing more.
        self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    def _get_lead_recipients(self):
        """Return the contacts that get this document by e-mail."""
        self.ensure_one()
        return self.commercial_partner_id._get_lead_invoice_recipients(self.partner_id)

    def _for_lead_responsible(self):
        """Return this document in the language of who gets its activities: jobs that
        send it have none."""
        self.ensure_one()
        # Whoever sends a document need not be allowed to see its run.
        user = self.sudo().lead_run_id._get_responsible()
        return self.with_context(lang=user.lang)

    def _set_lead_undelivered(self, state, reason):
        """Make visible that a document did not reach its buyer, with an activity.

        :param state: one of ``lead_delivery_state``
        :param reason: a sentence that says what to do
        """
        self.ensure_one()
        # What became of a document is written down by whoever may post or send it.
        self.sudo().lead_delivery_state = state
        self.activity_unlink(["lead_invoicing.mail_activity_type_lead_invoicing"])
        self._schedule_lead_activity(self.env._("Invoice was not sent"), reason)

    def _set_lead_delivered(self):
        """Note that these documents were handed to the buyers' mail servers."""
        # What became of a document is written down by whoever may post or send it.
        self.sudo().lead_delivery_state = "sent"
        self.activity_unlink(["lead_invoicing.mail_activity_type_lead_invoicing"])

    def _get_mail_template(self):
        if self and all(move.lead_is_receipt for move in self):
            return self.env.ref("lead_invoicing.mail_template_lead_receipt")
        if self and all(move.lead_run_id for move in self):
            return self.env.ref("lead_invoicing.mail_template_lead_invoice")
        return super()._get_mail_template()
