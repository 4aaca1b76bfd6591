import io

from lxml import html
from openpyxl import Workbook

from odoo import http

from odoo.addons.lead_invoicing.tests.common.portal import PortalReportCommon

URL = "/my/return-requests"
COMPARE = "/my/compare-leads"


class PortalReturnCommon(PortalReportCommon):
    """The world of the portal report, with a reason, and ways to send forms."""

    def setUp(self):
        super().setUp()
        self.reason = self.env["lead.return.reason"].create(
            {"name": "Wrong number", "code": "wrong_number"}
        )
        self.login(self.portal_user)

    @property
    def requests(self):
        return self.env["lead.return.request"].sudo().search([], order="id")

    def post(self, path, files=None, token=True, **data):
        if token:
            data["csrf_token"] = http.Request.csrf_token(self)
        return self.url_open(path, data=data, files=files, allow_redirects=False)

    def ask(self, *words, **data):
        """Send the form; return {word: why} of what was not requested."""
        response = self.post(f"{URL}/new", leads="\n".join(words), **data)
        self.assertEqual(response.status_code, 200, response.text)
        return self.others(response)

    def others(self, response):
        self.page = html.fromstring(response.text)
        rows = "//table[@name='lead_returns_others']/tbody/tr"
        words, sentences = (
            self.text(self.page, f"{rows}/td[{place}]") for place in (1, 2)
        )
        return dict(zip(words, sentences, strict=True))

    def xlsx(self, *rows):
        book, file = Workbook(), io.BytesIO()
        for row in rows:
            book.active.append(row)
        book.save(file)
        return {"file": ("leads.xlsx", file.getvalue())}

    def csv(self, text):
        return {"file": ("leads.csv", text.encode())}
