import os
import subprocess
from pathlib import Path

from lxml import html


class PaperMixin:
    """Ways to look at documents as their buyers do: the page of HTML, and the PDF as
    the real wkhtmltopdf makes it.

    With ``LEAD_PAPER`` in the environment, each PDF is left in that folder.
    """

    def read_page(self, document):
        """Return a document as HTML, parsed."""
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", document.ids
        )
        return html.fromstring(content.decode())

    def read_text(self, node):
        """Return the text of a part of a page, with single, plain spaces."""
        text = " ".join(node.itertext()).replace("\ufeff", "")
        return " ".join(text.replace("\N{ZERO WIDTH SPACE}", "").split())

    def read_table(self, document):
        """Return the rows of the table of a document, lists of texts, below its
        heads."""
        (table,) = self.read_page(document).xpath("//table[@name='invoice_line_table']")
        return [
            [self.read_text(cell) for cell in row.xpath("td|th")]
            for row in table.xpath(".//tr")
        ]

    def print_pdf(self, document, name=None):
        """Return a document as PDF."""
        report = self.env["ir.actions.report"].with_context(force_report_rendering=True)
        for _attempt in range(3):
            content, _kind = report._render_qweb_pdf(
                "account.account_invoices", document.ids
            )
            # On a busy machine wkhtmltopdf may go without the styles that it asked for.
            if any("Lato" in font for font in self.read_fonts(content)):
                break
        if folder := os.environ.get("LEAD_PAPER"):
            name = f"{name or self._testMethodName}.pdf"
            (Path(folder) / name).write_bytes(content)
        return content

    def read_pages(self, content):
        """Return the texts of the pages of a PDF, with single spaces."""
        text = self._run_poppler("pdftotext", content, "-layout", "-", "-")
        # Each page ends with a form feed.
        return [
            "\n".join(" ".join(line.split()) for line in page.splitlines())
            for page in text.replace("\N{ZERO WIDTH SPACE}", "").split("\f")[:-1]
        ]

    def read_fonts(self, content):
        """Return {name of a font: whether it is embedded} of a PDF."""
        lines = self._run_poppler("pdffonts", content, "-").splitlines()[2:]
        # Name, type of one or two words, encoding, embedded, subset, Unicode, object.
        return {line.split()[0]: line.split()[-5] == "yes" for line in lines}

    def _run_poppler(self, program, content, *arguments):
        done = subprocess.run(
            [program, *arguments], input=content, capture_output=True, check=True
        )
        return done.stdout.decode()
