from collections import defaultdict

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.protected_fields import engine_at_work, is_engine, without_engine_values

# What decides whose document it is, and what its amounts mean.
IDENTITY_FIELDS = {
    "commercial_partner_id",
    "company_id",
    "journal_id",
    "move_type",
    "partner_id",
}


class AccountMove(models.Model):
    """What stays as it is on a document that bills leads, whoever writes; and the ways
    by which such documents are posted and taken back: Odoo's own methods, with their
    checks and ours."""

    _inherit = "account.move"

    @api.model_create_multi
    def create(self, vals_list):
        """Create documents; those of leads as drafts, to be posted with all checks.

        :raises UserError: for one that a default makes posted or canceled
        """
        moves = super().create(vals_list)
        for move in moves:
            if move.state != "draft" and move._is_about_leads():
                raise UserError(move._get_lead_state_message())
        return moves

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Create a document of an email, with what people chose for a journal's alias:
        Odoo does so as the superuser."""
        values = without_engine_values(self, custom_values or {})
        return super().message_new(msg_dict, custom_values=values)

    def write(self, vals):
        """Write values, but not past the methods that check them.

        :raises UserError: for what would part a document from its leads, or post or
            cancel it without any check
        """
        if "state" in vals and not is_engine(self.env):
            for move in self:
                if move.state != vals["state"] and move._is_about_leads():
                    raise UserError(move._get_lead_state_message())
        if "reversed_entry_id" in vals and not is_engine(self.env):
            self._check_lead_reversal_kept(vals["reversed_entry_id"])
        if not IDENTITY_FIELDS & vals.keys():
            return super().write(vals)
        before = [
            (move, move.partner_id.commercial_partner_id, move._get_lead_kind())
            for move in self
            if move.lead_run_id
        ]
        res = super().write(vals)
        for move, buyer, kind in before:
            move._check_lead_customer(buyer, "commercial_partner_id" in vals)
            # Between invoice and credit note Odoo's own method turns the lines, too.
            if move._get_lead_kind() != kind and not is_engine(self.env):
                raise UserError(move._get_lead_kind_message())
        return res

    def _post(self, soft=True):
        self.filtered("lead_run_id")._check_lead_buyers()
        with engine_at_work(self) as moves:
            posted = super(AccountMove, moves)._post(soft)
        return posted.with_env(self.env)

    def button_draft(self):
        with engine_at_work(self) as moves:
            return super(AccountMove, moves).button_draft()

    def button_cancel(self):
        with engine_at_work(self) as moves:
            return super(AccountMove, moves).button_cancel()

    def action_switch_move_type(self):
        """Turn documents below zero into credit notes, or the other way round.

        :raises UserError: for leads at other totals, whose lines Odoo would not turn:
            a credit note would give money for what was bought
        """
        for move in self.filtered("lead_run_id"):
            if move.currency_id.compare_amounts(move.amount_total, 0.0) >= 0:
                raise UserError(move._get_lead_kind_message())
        with engine_at_work(self) as moves:
            return super(AccountMove, moves).action_switch_move_type()

    def _check_lead_reversal_kept(self, reversed_id):
        """Refuse to say of a document in the books, or of a run, that it gives back
        leads of another document, or none.

        :raises UserError: naming it
        """
        new = self.browse(reversed_id or [])
        for move in self:
            if move.reversed_entry_id == new:
                continue
            is_decided = move.state != "draft" or move.lead_run_id
            if is_decided and any(m._is_about_leads() for m in move | new):
                raise UserError(
                    self.env._(
                        "%s credits leads, or would, so the document that it reverses"
                        " cannot be changed. Reverse that document directly.",
                        move.display_name,
                    )
                )

    def _is_about_leads(self):
        """Tell whether this bills leads, or gives back or restores what does."""
        self.ensure_one()
        reversed_move = self.reversed_entry_id
        moves = self | reversed_move | reversed_move.reversed_entry_id
        return any(move.lead_run_id for move in moves)

    def _get_lead_state_message(self):
        return self.env._(
            "%s bills or credits leads. Confirm, cancel or reset it with its own"
            " buttons, which also update its leads.",
            self.display_name,
        )

    def _get_lead_kind_message(self):
        return self.env._(
            "%s bills leads, so its company and type cannot be changed."
            " Cancel it instead, and its leads will be billed again.",
            self.display_name,
        )

    def _get_lead_kind(self):
        """Return in whose books it bills leads, and with which sign."""
        return self.company_id, self.move_type

    def _check_lead_customer(self, buyer, is_buyer_written):
        """Refuse a customer who is not the buyer of the document's leads.

        :param buyer: the commercial entity that it was addressed to
        :param is_buyer_written: the document's own was written, which Odoo derives
        :raises UserError: naming the buyer
        """
        self.ensure_one()
        customer = self.partner_id.commercial_partner_id
        if is_buyer_written and self.commercial_partner_id != customer:
            customer = self.commercial_partner_id
        elif customer == buyer:
            return
        buyers = self._find_lead_buyers()[self.id] or buyer
        if customer != buyers:
            raise UserError(
                self.env._(
                    "%(document)s bills leads that %(buyer)s bought: only a contact of"
                    " %(buyer)s can be its customer.",
                    document=self.display_name,
                    buyer=", ".join(buyers.mapped("display_name")),
                )
            )

    def _check_lead_buyers(self):
        """Refuse to post documents whose customer now belongs to somebody else than
        the buyer of their leads.

        :raises UserError: naming both
        """
        # A credit note goes to whom its invoice is addressed to.
        documents = self.filtered(lambda move: not move.reversed_entry_id)
        buyers = documents._find_lead_buyers()
        for move in documents:
            buyer = buyers[move.id]
            if len(buyer) > 1:
                raise UserError(
                    self.env._(
                        "%(document)s bills leads of buyers who no longer belong"
                        " together: %(buyers)s. Cancel it, and each of them is billed"
                        " again.",
                        document=move.display_name,
                        buyers=", ".join(buyer.mapped("display_name")),
                    )
                )
            if buyer and move.partner_id.commercial_partner_id != buyer:
                raise UserError(
                    self.env._(
                        "%(document)s is addressed to %(customer)s, but bills leads"
                        " that %(buyer)s bought. Choose a contact of %(buyer)s as its"
                        " customer.",
                        document=move.display_name,
                        customer=move.partner_id.display_name,
                        buyer=buyer.display_name,
                    )
                )

    def _find_lead_buyers(self):
        """Return the commercial entities to which the buyers of these documents' leads
        belong today.

        :return: a default dict {move id: ``res.partner``}
        """
        found = defaultdict(self.env["res.partner"].browse)
        if not self.ids:
            return found
        self.env["res.partner"].flush_model(["commercial_partner_id"])
        self.env["lead.sale"].flush_model(["commercial_partner_id", "invoice_line_id"])
        # Who bought what is, or was until it was released, on these documents? All
        # that is on one line was claimed for one buyer: its first tells.
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT line.move_id, partner.commercial_partner_id
                  FROM account_move_line line
                 CROSS JOIN LATERAL (
                       (SELECT commercial_partner_id FROM lead_sale
                         WHERE invoice_line_id = line.id
                         LIMIT 1)
                        UNION ALL
                       (SELECT sale.commercial_partner_id
                          FROM lead_sale_release release
                          JOIN lead_sale sale ON sale.id = release.sale_id
                         WHERE release.invoice_id = line.move_id
                           AND release.invoice_line_id = line.id
                         LIMIT 1)) sale
                  JOIN res_partner partner ON partner.id = sale.commercial_partner_id
                 WHERE line.move_id IN %s AND line.lead_type_id IS NOT NULL
                """,
                tuple(self.ids),
            )
        )
        for move_id, partner_id in rows:
            found[move_id] |= self.env["res.partner"].browse(partner_id)
        return found
