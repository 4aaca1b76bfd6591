from .rights import RightsCommon

NOVEMBER = {"date_from": "2026-11-01", "date_to": "2026-11-30"}
# What spreadsheet programs take for a formula, if nobody keeps them from it.
FORMULAS = [
    '=HYPERLINK("http://example.com";"x")',
    "=1+1",
    "+1+A1",
    "-1+A1",
    "+12125550123\n",
    "+1212\u0665",
    "\u00a0+1",
    "+",
    "(-)\t",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "   =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "＝1+1",
    '";=1+1;"',
    '",=1+1,"',
    '"\n=1+1',
    "Ada;=1+1",
    "Ada;\u00a0 =1+1",
    "Ada|=1+1",
    "Ada\t-1+1",
    "Ada\n=1+1;x",
    'Ada;"=1+1"',
    'Ada;"\n"=1+1',
]


# What can call nothing: it stays as it is.
HARMLESS = [
    "+12125550123",
    "+1-212-555-0123",
    "+1 (212) 555.0123",
    "-1+1",
    " +1",
    "-5",
    "(+49) 30 123456",
]


class ReportCommon(RightsCommon):
    """The world of the rights, and short ways to open the Invoicing Report."""

    def open(self, user=None, buyer=None, **params):
        """Open the report of ``buyer`` in November, or as asked for."""
        model = self.env["lead.invoicing.report"].with_user(user or self.env.user)
        if "invoice_id" not in params:
            params = {**NOVEMBER, **params}
        return model._open((buyer or self.buyer).with_env(model.env), params)

    def refs(self, report):
        """Return the references of the rows of a report."""
        return [row["external_ref"] for row in report.get_page(100)]

    def copy_sales(self, number):
        """Write so many copies of the only sale, quickly."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            INSERT INTO lead_sale (
                external_ref, transaction_type, partner_id, commercial_partner_id,
                lead_type_id, lead_data, company_id, currency_id, price, amount, date)
            SELECT external_ref || ' copy ' || n, transaction_type, partner_id,
                   commercial_partner_id, lead_type_id, lead_data, company_id,
                   currency_id, price, amount, date
              FROM lead_sale, generate_series(1, %s) n
             WHERE commercial_partner_id = %s
            """,
            (number, self.buyer.id),
        )
