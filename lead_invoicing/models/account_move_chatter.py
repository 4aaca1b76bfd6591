from odoo import models


class AccountMove(models.Model):
    """Who decided what on a document, in its chatter. Odoo notes who posts, resets and
    cancels it. Nobody is notified."""

    _inherit = "account.move"

    def _release_credited_lead_sales(self, reason):
        res = super()._release_credited_lead_sales(reason)
        for move in self:
            move._message_log(
                body=self.env._(
                    "Its leads were released to be billed again. Reason: %s", reason
                )
            )
        return res

    def _move_lead_sales_to(self, new_move, reason, returns):
        res = super()._move_lead_sales_to(new_move, reason, returns)
        self._message_log(
            body=self.env._(
                "Its leads were moved to %(document)s. Reason: %(reason)s",
                document=new_move._get_html_link(),
                reason=reason,
            )
        )
        return res

    def _end_lead_review(self):
        reasons = {move: move.lead_review_reason for move in self}
        res = super()._end_lead_review()
        for move, reason in reasons.items():
            if not reason:
                continue
            if move.state == "posted":
                body = self.env._(
                    "Reviewed and confirmed. It was kept because: %s", reason
                )
            elif move.state == "draft":
                body = self.env._(
                    "Reviewed and approved. It was kept because: %s", reason
                )
            else:
                body = self.env._(
                    "Reviewed and canceled. It was kept because: %s", reason
                )
            move._message_log(body=body)
        return res
