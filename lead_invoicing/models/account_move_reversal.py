import math
from dataclasses import dataclass

from markupsafe import Markup

from odoo import Command, models
from odoo.exceptions import UserError
from odoo.tools import SQL

# So many transactions are named on a document; all of them are in the ledger.
MAX_NAMES = 20


@dataclass
class LeftOut:
    """What was given back of a document before it is reversed."""

    line: models.Model  # of the document: the lead; of a credit note: all of the line
    document: models.Model  # that gave it back
    amount: float
    whole: bool  # a lead returned, not a price adjustment; a line credited, not undone
    name: str  # the reference of the sale


class AccountMove(models.Model):
    """What of a document was given back, and what that means for its leads."""

    _inherit = "account.move"

    # Reversing

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """Refuse to reverse lead documents of which nothing is left to give back.

        :raises UserError: naming the document and what gave it back
        """
        # Whoever reverses a document is told by its number what gave it back.
        for move in self.sudo().filtered("lead_run_id"):
            others = move._get_lead_reversals() | move._get_lead_return_lines().move_id
            if others and not move._has_lead_amount_left():
                raise UserError(
                    self.env._(
                        "%(document)s has already been credited in full by %(others)s."
                        " To bill its leads again, release them.",
                        document=move.display_name,
                        others=", ".join(others.mapped("display_name")),
                    )
                )
        return super()._reverse_moves(default_values_list, cancel)

    def copy_data(self, default=None):
        """Leave out of a reversal what was given back already, and say so on it."""
        vals_list = super().copy_data(default)
        for move, vals in zip(self, vals_list, strict=True):
            is_reversal = (default or {}).get("reversed_entry_id") == move.id
            if not is_reversal or not move._is_about_leads():
                continue
            address = move._get_lead_address(move.commercial_partner_id)
            vals["partner_id"] = address.id
            if not move.lead_run_id:
                continue
            # Whoever copies a document sees it, and so what was given back of it: the
            # buyer reads that on the copy.
            left_out = move.sudo()._get_lead_left_out()
            if left_out:
                vals["line_ids"] = move._prepare_lead_reversal_lines(left_out)
                vals["narration"] = Markup("%s<p>%s</p>") % (
                    Markup(vals.get("narration") or ""),
                    move._get_lead_left_out_note(left_out),
                )
        return vals_list

    def _get_copy_message_content(self, default):
        message = super()._get_copy_message_content(default)
        is_reversal = default.get("reversed_entry_id") == self.id
        # The same as the document itself says.
        left_out = is_reversal and self.lead_run_id and self.sudo()._get_lead_left_out()
        if left_out:
            note = self._get_lead_left_out_note(left_out)
            message = Markup("%s<br/>%s") % (message, note)
        return message

    def _get_lead_address(self, buyer):
        """Return the contact to which a document that gives back, or replaces, this one
        is addressed: its customer; where that belongs to somebody else by now, the one
        to which the buyer's invoices go, whose money it is.

        :param buyer: ``res.partner``
        """
        self.ensure_one()
        buyer = buyer.commercial_partner_id
        if not buyer or self.partner_id.commercial_partner_id == buyer:
            return self.partner_id
        return self.env["res.partner"].browse(buyer.address_get(["invoice"])["invoice"])

    def _get_lead_left_out(self):
        """Return what a reversal of this document leaves out, as it was given back.

        :return: list of :class:`LeftOut`
        """
        self.ensure_one()
        lines = self._get_lead_return_lines()
        self.env["lead.sale"].flush_model()
        # Which returns gave back sales on this document, in the books?
        rows = (
            self.env.execute_query(
                SQL(
                    """
                    SELECT origin.invoice_line_id, back.invoice_line_id, back.price,
                           back.price_adjustment IS TRUE, origin.external_ref
                      FROM lead_sale back
                      JOIN lead_sale origin ON origin.id = back.origin_id
                      JOIN account_move_line origin_line
                           ON origin_line.id = origin.invoice_line_id
                     WHERE back.invoice_line_id IN %s AND origin_line.move_id = %s
                     ORDER BY back.id
                    """,
                    tuple(lines.ids),
                    self.id,
                )
            )
            if lines
            else []
        )
        left_out = [
            LeftOut(
                line=lines.browse(origin_line_id),
                document=lines.browse(line_id).move_id,
                amount=float(price),
                whole=not adjustment,
                name=external_ref,
            )
            for origin_line_id, line_id, price, adjustment, external_ref in rows
        ]
        return left_out + self._get_lead_credited_lines()

    def _get_lead_credited_lines(self, sign=1):
        """Return the lines of the credit notes of this document, less those that undo
        them, as what a reversal leaves out.

        :param sign: -1 for what undoes a credit note
        """
        left_out = []
        for reversal in self._get_lead_reversals():
            left_out += [
                LeftOut(
                    line=line,
                    document=reversal,
                    amount=sign * line.price_total,
                    whole=sign > 0,
                    name="",
                )
                for line in reversal.invoice_line_ids
                if line.display_type == "product"
            ]
            left_out += reversal._get_lead_credited_lines(-sign)
        return left_out

    def _prepare_lead_reversal_lines(self, left_out):
        """Return the lines of a reversal of this document that leaves something out.

        A lead that was returned at the price of its line is taken off the quantity, so
        that taxes by quantity are right, too. The rest gets lines of its own.

        :param left_out: list of :class:`LeftOut`
        """
        self.ensure_one()
        kinds = ("product", "line_section", "line_subsection", "line_note")
        commands = []
        extra = [entry for entry in left_out if entry.line.move_id != self]
        for line in self.invoice_line_ids.filtered(
            lambda line: line.display_type in kinds
        ):
            own = [entry for entry in left_out if entry.line == line]
            vals = self._copy_lead_line(line)
            for entry in own:
                # What came back came at its price, whatever the line took off.
                is_one = line.currency_id.compare_amounts(entry.amount, line.price_unit)
                if line.discount:
                    extra.append(entry)
                elif entry.whole and is_one == 0 and vals["quantity"]:
                    vals["quantity"] -= math.copysign(1, vals["quantity"])
                elif abs(vals["quantity"]) == 1:
                    vals["price_unit"] = line.currency_id.round(
                        vals["price_unit"] - entry.amount
                    )
                else:
                    extra.append(entry)
            if not own or (vals["quantity"] and vals["price_unit"]):
                commands.append(Command.create(vals))
        commands += [
            Command.create(self._prepare_lead_left_out_line(entry)) for entry in extra
        ]
        return commands

    def _prepare_lead_left_out_line(self, entry):
        """Return the values of a line that takes off a reversal what was given back."""
        vals = self._copy_lead_line(entry.line)
        if entry.line.move_id == self:
            vals["quantity"] = -math.copysign(1, vals["quantity"])
            vals["price_unit"] = entry.amount
            vals["discount"] = 0.0
        elif entry.whole:
            vals["quantity"] = -vals["quantity"]
        vals["name"] = self.env._(
            "%(line)s: already credited by %(document)s",
            line=entry.line.name or "",
            document=entry.document.name,
        )
        vals["sequence"] = self.invoice_line_ids[-1:].sequence + 1
        return vals

    def _copy_lead_line(self, line):
        """Return the values of a line like this one."""
        vals = line.with_context(include_business_fields=True).copy_data()[0]
        return {name: value for name, value in vals.items() if name != "move_id"}

    def _get_lead_left_out_note(self, left_out):
        """Return the sentence, in the buyer's language, that names what a reversal of
        this document leaves out.

        :param left_out: list of :class:`LeftOut`
        """
        self.ensure_one()
        translated = self.with_context(lang=self.partner_id.lang or self.env.lang)
        parts = []
        for document in dict.fromkeys(entry.document for entry in left_out):
            entries = [entry for entry in left_out if entry.document == document]
            names = [entry.name for entry in entries if entry.name]
            amount = self.currency_id.format(sum(entry.amount for entry in entries))
            part = f"{document.name}: {amount}"
            if names:
                more = "…" if len(names) > MAX_NAMES else ""
                part += f" ({', '.join(names[:MAX_NAMES])}{more})"
            parts.append(part)
        return translated.env._(
            "Left out because it has already been credited: %s.", "; ".join(parts)
        )
