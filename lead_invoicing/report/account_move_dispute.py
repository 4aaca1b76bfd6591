from odoo import api, models
from odoo.tools import formatLang


class AccountMove(models.Model):
    """What a buyer reads of its disputes, and is asked to pay meanwhile."""

    _inherit = "account.move"

    def _get_lead_dispute_notice(self):
        """Return what is disputed of this invoice and what is to be paid, for the
        buyer, in the language of the context; empty where nothing is disputed or to be
        paid."""
        self.ensure_one()
        if not self._is_lead_rest_disputed():
            return ""
        disputed = self._get_lead_disputed_amount()
        rest = self._get_lead_amount_to_pay()
        names = {
            "disputed": formatLang(self.env, disputed, currency_obj=self.currency_id),
            "rest": formatLang(self.env, rest, currency_obj=self.currency_id),
        }
        if not rest:
            return self.env._(
                "%(disputed)s of this invoice is disputed or being credited. There is"
                " nothing to pay until that is settled.",
                **names,
            )
        return self.env._(
            "%(disputed)s of this invoice is disputed or being credited. Please pay the"
            " remaining %(rest)s.",
            **names,
        )

    def _get_lead_payment_request(self):
        request = super()._get_lead_payment_request()
        notice = self._get_lead_dispute_notice()
        if not request or not notice:
            return request
        if not self._get_lead_amount_to_pay():
            return notice
        return f"{notice} {request}"

    def _get_invoice_next_payment_values(self, custom_amount=None):
        # What Odoo's portal proposes to pay: its own way of another amount than all.
        # Whoever sees a document may know what is disputed of it, here and below.
        if custom_amount is None and self.sudo()._get_lead_dispute_notice():
            # Likewise what is to be paid.
            custom_amount = self.sudo()._get_lead_amount_to_pay() or None
        return super()._get_invoice_next_payment_values(custom_amount)

    @api.depends("lead_disputed_amount", "amount_residual")
    def _compute_display_qr_code(self):
        result = super()._compute_display_qr_code()
        for move in self:
            move.display_qr_code &= move._has_lead_rest_to_pay()
        return result

    @api.depends("lead_disputed_amount", "amount_residual")
    def _compute_display_link_qr_code(self):
        result = super()._compute_display_link_qr_code()
        for move in self:
            move.display_link_qr_code &= move._has_lead_rest_to_pay()
        return result

    def _generate_qr_code(self, silent_errors=False):
        # A code asks for as much as the sentence beside it, which its reader sees, too.
        if not self.sudo()._get_lead_dispute_notice():
            return super()._generate_qr_code(silent_errors)
        rest = self.sudo()._get_lead_amount_to_pay()
        move = self.with_context(lead_amount_to_pay=rest)
        return super(AccountMove, move)._generate_qr_code(silent_errors)

    def _notify_by_email_prepare_rendering_context(self, message, *args, **kwargs):
        context = super()._notify_by_email_prepare_rendering_context(
            message, *args, **kwargs
        )
        # Odoo writes the total above the mail; here it would be a request to pay it.
        # The mail itself says what is disputed, to whoever gets it.
        if self.sudo()._get_lead_dispute_notice():
            translated = self.with_context(lang=context.get("lang"))
            # And what is to be paid.
            context["subtitles"][-1] = translated.env._(
                "%s to pay",
                formatLang(
                    self.env,
                    self.sudo()._get_lead_amount_to_pay(),
                    currency_obj=self.currency_id,
                ),
            )
        return context
