from collections import defaultdict

from odoo import api, models
from odoo.tools import formatLang

# What the table of a document says of one line, instead of what Odoo prints of it.
#   name: what is billed
#   quantity: how many, as text; empty where no number says anything
#   price: of each, as text; empty where there is none
#   amount: None where Odoo's own is right
#   after: rows below it, dicts with kind, name, counts, quantity and amount
ROW = {
    "name": "",
    "quantity": "",
    "price": "",
    "amount": None,
    "after": (),
}


class AccountMove(models.Model):
    """The one table of a document about leads: type, leads, price, amount."""

    _inherit = "account.move"

    def _get_lead_table(self):
        """Return what the table of this document says, line by line; empty for
        documents that are not about leads.

        Amounts are those that Odoo prints beside them: before tax or including it, as
        the company has it.

        :return: {line id: dict as :data:`ROW`}, of the lines that are printed
        """
        self.ensure_one()
        # A buyer who may see the document may see what it consists of.
        move = self.sudo()
        if not move._is_about_leads():
            return {}
        lines = move._get_move_lines_to_report().filtered(
            lambda line: line.display_type == "product"
        )
        table = {line.id: {**ROW, **move._get_lead_line_cells(line)} for line in lines}
        amount = "total" if move._is_lead_tax_included() else "subtotal"
        for row in move._get_lead_correction_rows():
            cells = {"name": row["name"], "amount": row[amount]}
            for line in row["lines"] & lines:
                table[line.id] = {**ROW, **cells}
        for last_line, rows in move._get_lead_subtotals(lines):
            table[last_line.id]["after"] = rows
        return table

    def _get_lead_line_cells(self, line):
        """Return name, quantity and price of a line, as texts."""
        if not line.lead_type_id:
            return self._get_other_line_cells(line)
        name, count, quantity = line.name or "", line.lead_count, abs(line.quantity)
        cells = {"price": self._format_lead_price(line)}
        if not count:
            # Money, but no leads: how many prices were adjusted is a part of the name.
            name = self._name_lead_adjustments(name, line)
        elif quantity == count:
            cells["quantity"] = self._format_lead_quantity(line.quantity)
        elif quantity == 1:
            # One line for all, as there were too many prices.
            counted = self.env._("%(name)s: %(count)s", name="", count=count)
            name = name.replace(counted, "", 1)
            cells["quantity"] = self._format_lead_quantity(line.quantity * count)
            cells["price"] = self.env._("various")
        else:
            # Somebody changed the line: what it is made of is told as it is.
            cells["quantity"] = self._format_lead_quantity(line.quantity)
        if line.lead_transaction_type == "sale" and self.move_type == "out_invoice":
            # What an invoice bills was purchased.
            purchased = self.env._("Leads purchased")
            name = name.replace(f" – {purchased}", "", 1)
        return {"name": name, **cells}

    def _get_other_line_cells(self, line):
        """Return what is said of a line without leads: how many there are of it, and
        for how much each, only where that is not one."""
        cells = {"name": line.name or ""}
        if abs(line.quantity) != 1 or not self.lead_run_id:
            cells["quantity"] = self._format_lead_quantity(line.quantity)
            cells["price"] = self._format_lead_price(line)
        return cells

    def _name_lead_adjustments(self, name, line):
        if abs(line.quantity) == 1:
            return name
        adjusted = self.env._("Price adjustments")
        counted = self.env._(
            "%(name)s: %(count)s",
            name=adjusted,
            count=self._format_lead_quantity(abs(line.quantity)),
        )
        return name.replace(adjusted, counted, 1)

    def _format_lead_quantity(self, quantity):
        digits = 0 if quantity == round(quantity) else 2
        return formatLang(self.env, quantity, digits=digits)

    def _format_lead_price(self, line):
        return formatLang(self.env, line.price_unit, dp="Product Price")

    def _is_lead_table_of_leads(self):
        """Tell whether all numbers in the table of this document are numbers of
        leads."""
        self.ensure_one()
        # A buyer who may see the document may see what it consists of.
        move = self.sudo()
        lines = move.invoice_line_ids
        if not lines.lead_type_id and move.reversed_entry_id.lead_run_id:
            return move._is_lead_reversal_of_leads()
        return bool(lines.lead_type_id) and not any(
            line.display_type == "product"
            and not line.lead_type_id
            and abs(line.quantity) != 1
            for line in lines
        )

    def _is_lead_reversal_of_leads(self):
        """Tell whether each line of this reversal is one of leads on the document that
        it reverses: a copy has no lead type of its own."""

        def describe(line):
            return line.name, line.product_id, line.price_unit

        leads = {
            describe(line)
            for line in self.reversed_entry_id.invoice_line_ids
            if line.lead_type_id and abs(line.quantity) == line.lead_count
        }
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product"
        )
        return bool(lines) and all(describe(line) in leads for line in lines)

    def _get_lead_printed_window(self):
        """Return the period that is printed on this document: its own; of a reversal,
        that of the document it reverses."""
        self.ensure_one()
        # A buyer who may see the document may see the period that it is about.
        move = self.sudo()
        if not move.lead_window_end:
            move = move.reversed_entry_id
        return move and move._get_lead_window_label()

    def _get_lead_subtotals(self, lines):
        """Return what stands below the rows of each lead type: how many leads and how
        much, where one row does not say it; and for each sub-account.

        :param lines: those that are printed, in their order
        :return: list of (the last line of a lead type, list of rows)
        """
        printed = defaultdict(lines.browse)
        for line in lines.filtered("lead_type_id"):
            printed[line.lead_type_id] += line
        result = []
        for row in self._get_lead_summary():
            lead_lines = printed[row["lead_type"]]
            if not lead_lines or (len(lead_lines) == 1 and not row["sub_accounts"]):
                continue
            amount = self._get_lead_printed_amount(row["lead_type"])
            rows = []
            if len(lead_lines) > 1:
                name = row["lead_type"].name
                rows.append(self._get_lead_subtotal_row("subtotal", row, name, amount))
            # Transactions do not add up to what is printed where tax is in their prices
            # and not in the table, or where somebody gave a discount on a line.
            sign = self._get_lead_sign()
            net = sum(sub_row["net_amount"] for sub_row in row["sub_accounts"])
            is_same = self.currency_id.is_zero(amount - sign * net)
            rows += [
                self._get_lead_subtotal_row(
                    "sub_account",
                    sub_row,
                    sub_row["partner"].name,
                    sign * sub_row["net_amount"] if is_same else None,
                )
                for sub_row in row["sub_accounts"]
            ]
            result.append((lead_lines[-1], rows))
        return result

    def _get_lead_subtotal_row(self, kind, row, name, amount):
        """Return a row below the lines of a lead type.

        :param row: as of :meth:`_get_lead_summary`
        """
        leads = (row["purchased"] - row["returned"]) * self._get_lead_sign()
        return {
            "kind": kind,
            "name": name,
            "counts": self._get_lead_counts_label(row),
            "quantity": self._format_lead_quantity(leads),
            "amount": amount,
        }

    @api.model
    def _get_lead_counts_label(self, row):
        """Return how many leads were purchased and returned, in words; empty for
        none."""
        purchased, returned = row["purchased"], row["returned"]
        if purchased and returned:
            return self.env._(
                "%(purchased)s purchased, %(returned)s returned",
                purchased=purchased,
                returned=returned,
            )
        if purchased:
            return self.env._("%s purchased", purchased)
        return self.env._("%s returned", returned) if returned else ""

    def _get_lead_printed_amount(self, lead_type):
        """Return what the rows of a lead type add up to, as they are printed."""
        field = "price_total" if self._is_lead_tax_included() else "price_subtotal"
        lines = self.invoice_line_ids.filtered(
            lambda line: line.lead_type_id == lead_type
        )
        return sum(lines.mapped(field))

    def _is_lead_tax_included(self):
        """Tell whether Odoo prints amounts with their taxes on this document."""
        return self.company_price_include == "tax_included"
