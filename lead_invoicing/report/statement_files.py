"""The statement of account as files."""

from .as_xlsx import open_workbook

WIDTHS = (11, 22, 28, 14, 14, 14, 14)


def make_statement_pdf(statement):
    """Return a statement of account as PDF, as bytes."""
    # Rendered as the reader, who has it open.
    content, _type = statement.env["ir.actions.report"]._render_qweb_pdf(
        "lead_invoicing.action_report_statement",
        statement.partner.ids,
        data={"statement": statement},
    )
    return content


def write_statement_xlsx(statement, file):
    """Write the workbook of a statement of account: a sheet for each section.

    :param file: a file to write bytes to that can be sought in
    :raises OSError: when it cannot be written
    """
    with open_workbook(file, statement.get_title()) as workbook:
        for number, section in enumerate(statement.sections, 1):
            sheet = workbook.add_worksheet(f"{section.currency.name} {number}")
            _SectionSheet(statement, section, workbook, sheet).fill()
        if not statement.sections:
            sheet = workbook.add_worksheet(statement.env.company.currency_id.name)
            sheet.write_string(0, 0, statement.env._("Nothing was booked."))


class _SectionSheet:
    """Writes a section onto a worksheet, from top to bottom."""

    def __init__(self, statement, section, workbook, sheet):
        self.statement, self.section, self.sheet = statement, section, sheet
        digits = section.currency.decimal_places
        money = f"#,##0{'.' if digits else ''}{'0' * digits}"
        self.bold = workbook.add_format({"bold": True})
        self.day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self.money = workbook.add_format({"num_format": money})
        self.bold_money = workbook.add_format({"num_format": money, "bold": True})

    def fill(self):
        env, section, sheet = self.statement.env, self.section, self.sheet
        for place, width in enumerate(WIDTHS):
            sheet.set_column(place, place, width)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        head = (
            f"{self.statement.get_title()}: {self.statement.partner.name}",
            f"{section.company.name}, {section.currency.name}",
            self.statement.get_days(),
        )
        for number, text in enumerate(head):
            sheet.write_string(number, 0, text, self.bold if not number else None)
        labels = (
            env._("Date"),
            env._("Document"),
            env._("Reference"),
            env._("Kind"),
            env._("Charges"),
            env._("Payments and Credits"),
            self.statement.get_balance_label(section),
        )
        number = len(head) + 1
        for place, label in enumerate(labels):
            sheet.write_string(number, place, label, self.bold)
        sheet.write_string(number + 1, 1, env._("Opening balance"), self.bold)
        sheet.write_number(number + 1, 6, section.opening, self.bold_money)
        number += 2
        for entry in section.entries:
            sheet.write_datetime(number, 0, entry.date, self.day)
            texts = (entry.name, entry.reference, entry.kind)
            for place, text in enumerate(texts, 1):
                sheet.write_string(number, place, text)
            amounts = (entry.charge, entry.credit, entry.balance)
            for place, amount in enumerate(amounts, 4):
                if amount or place == len(WIDTHS) - 1:
                    sheet.write_number(number, place, amount, self.money)
            number += 1
        sheet.write_string(number, 1, env._("Closing balance"), self.bold)
        totals = (section.charges, section.credits, section.closing)
        for place, amount in enumerate(totals, 4):
            sheet.write_number(number, place, amount, self.bold_money)
