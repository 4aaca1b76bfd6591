from urllib.parse import urlencode

from lxml import html

from odoo.tests import HttpCase, tagged

from .rights import RightsCommon

URL = "/my/invoicing-report"
NOVEMBER = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
DATA = {"first_name": "Ada", "email": "ada@byron.example"}
# Whatever a person or a program may write into the address.
HOSTILE = (
    "'",
    '"><script>alert(1)</script>',
    "<img src=x onerror=alert(1)>",
    "1; DROP TABLE lead_sale; --",
    "') OR ('1'='1",
    "1 UNION SELECT login, password FROM res_users",
    "-1",
    "0",
    "1e3",
    "9" * 40,
    "²",
    "%s%(x)s{0}{{7*191}}",
    "\x00",
    "a" * 5000,
    "lead_data.first_name",
    "password",
    "__class__",
    "[]",
)
# All ways to the report: the buyer's page and files, and the staff's.
BUYER_ROUTES = (URL, f"{URL}/csv", f"{URL}/xlsx", f"{URL}/pdf")
STAFF_ROUTES = tuple(
    f"/lead-invoicing/report/{kind}" for kind in ("csv", "xlsx", "pdf")
)
PARAMETERS = (
    "lead_type_id",
    "date_from",
    "date_to",
    "fields",
    "transaction_type",
    "invoice_id",
    "page",
)


@tagged("post_install", "-at_install")
class PortalReportCommon(RightsCommon, HttpCase):
    """A billed lead of the buyer and an unbilled one of another, with lead data; users
    who can log in: the buyer's, one of its sub-account, another buyer's, and staff."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        branch = cls.env["res.partner"].create(
            {"name": "Branch", "ref": "branch", "parent_id": cls.buyer.id}
        )
        cls.branch = branch
        clerk = {"name": "Clerk of the branch", "parent_id": branch.id}
        cls.branch_user = cls.new_user(
            "branch",
            "base.group_portal",
            partner_id=cls.env["res.partner"].create(clerk).id,
        )

    def setUp(self):
        super().setUp()
        self.sale = self.new_sale(price="12.50", lead_ref="L1", lead_data=DATA)
        self.other_sale = self.new_sale(
            self.other_buyer,
            price="77.00",
            lead_ref="L2",
            lead_data={"first_name": "Grace", "email": "grace@navy.example"},
        )
        documents = self.generate()
        self.document = documents.filtered(
            lambda move: move.commercial_partner_id == self.buyer
        )
        self.other_document = documents - self.document

    def login(self, user):
        self.authenticate(user.login, user.login)

    def get(self, path=URL, **params):
        """Open a page with GET parameters, in November unless told otherwise.

        A replica must be able to serve it: on a write, Odoo repeats the request with a
        warning.
        """
        query = urlencode({**NOVEMBER, **params}, doseq=True)
        with self.assertNoLogs("odoo.http", "WARNING"):
            return self.url_open(f"{path}?{query}", allow_redirects=False)

    def get_page(self, path=URL, **params):
        """Open a page that must be there; return it as parsed HTML."""
        response = self.get(path, **params)
        self.assertEqual(response.status_code, 200)
        return html.fromstring(response.text)

    def text(self, page, xpath):
        """Return the text of what is found in a page, with single spaces."""
        texts = (" ".join(node.itertext()) for node in page.xpath(xpath))
        # Odoo keeps a minus and its number together by a character without a width.
        return [" ".join(text.replace("\ufeff", "").split()) for text in texts]

    def rows(self, page):
        """Return the cells of the table, row by row."""
        table = "//table[@name='lead_report_table']"
        head = self.text(page, f"{table}/thead//th")
        return [
            dict(
                zip(
                    head,
                    (" ".join(c.text_content().split()) for c in row.xpath("td")),
                    strict=True,
                )
            )
            for row in page.xpath(f"{table}/tbody/tr")
        ]

    def errors(self, page):
        return self.text(page, "//*[@id='lead_report_error']/div")
