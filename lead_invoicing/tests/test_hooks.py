"""Another addon extends recording, billing and the report by their hooks."""

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from ..report.columns import Column
from ..tools.parsing import RowError
from .common.generation import GENERATION, WEEK, GenerationCommon


class PickyChecks:
    """Mixed into the recorder: takes no leads of a campaign that nobody pays for."""

    def _check_sale(self, row):
        if row.campaign == "free":
            raise RowError("campaign", "nobody pays for “free”")
        return super()._check_sale(row)


@tagged("post_install", "-at_install")
class TestHooks(GenerationCommon):
    def test_an_addon_checks_what_comes_in(self):
        model = self.env.registry["lead.sale"]
        original = model._get_recorder

        def get_recorder(sales, company, file_options=None):
            recorder = original(sales, company, file_options)
            made = type("PickyRecorder", (PickyChecks, type(recorder)), {})
            return made(recorder.env, company, recorder.rules, recorder.formats)

        self.patch(model, "_get_recorder", get_recorder)
        row = {
            "external_ref": "H1",
            "type": "sale",
            "occurred_at": "2026-11-04T12:00:00Z",
            "buyer_ref": self.buyer.ref,
            "lead_type": "EDU",
            "price": "10.00",
        }
        good, bad = self.env["lead.sale"].record_transactions(
            [row, {**row, "external_ref": "H2", "campaign": "free"}]
        )
        self.assertEqual(good["status"], "created")
        self.assertEqual(bad["message"], "campaign: nobody pays for “free”")

    def test_an_addon_parts_documents_and_lines(self):
        model = self.env.registry["lead.invoice.run.buyer"]
        for name, key in (
            ("_get_document_keys", "sale.campaign = 'apart'"),
            ("_get_line_keys", "sale.lead_ref"),
        ):
            original = getattr(model, name)
            sql = SQL("COALESCE((%s)::text, '')", SQL(key))  # pylint: disable=sql-injection
            self.patch(
                model,
                name,
                lambda items, original=original, sql=sql: [*original(items), sql],
            )
        for lead_ref, campaign in (("L1", ""), ("L2", ""), ("L3", "apart")):
            self.new_sale(lead_ref=lead_ref, campaign=campaign)
        documents = self.generate()
        self.assertEqual(
            sorted(len(document.invoice_line_ids) for document in documents), [1, 2]
        )

    def test_an_addon_adds_a_column_to_the_report(self):
        model = self.env.registry["lead.invoicing.report"]
        original = model._get_columns

        def get_columns(reports, report, digits):
            sql = SQL("upper(sale.external_ref)")
            column = Column("shouted", "Shouted", "char", sql)
            return [*original(reports, report, digits), column]

        self.patch(model, "_get_columns", get_columns)
        sale = self.new_sale(external_ref="quiet")
        report = self.env["lead.invoicing.report"]._open(
            self.buyer, {"date_from": "2026-11-01", "date_to": "2026-11-30"}
        )
        self.assertEqual(report.columns[-1].label, "Shouted")
        ((*_cells, shouted, _is_erased),) = report.iter_rows()
        self.assertEqual(shouted, "QUIET")
        self.assertTrue(sale)


@tagged("post_install", "-at_install")
class TestBehindADocument(GenerationCommon):
    def test_the_search_finds_what_the_documents_list(self):
        """Those that were released from a reversed document, too."""
        sale, other = self.new_sale(), self.new_sale(self.new_buyer("Buyer B"))
        invoice, _others = self.generate().sorted(
            lambda move: move.commercial_partner_id != self.buyer
        )
        invoice._reverse_moves(cancel=True)
        invoice._release_credited_lead_sales("Wrong price")
        again = self.generate(GENERATION + WEEK)
        self.assertEqual(invoice.lead_sale_ids, sale)
        self.assertEqual(again.lead_sale_ids, sale)
        moves = self.env["account.move"]
        found = moves.search([("lead_sale_ids", "in", sale.ids)])
        self.assertEqual(found, invoice | again)
        found = moves.search([("lead_sale_ids.external_ref", "=", other.external_ref)])
        self.assertEqual(found.lead_sale_ids, other)

    def test_nobody_changes_what_was_recorded_of_the_past(self):
        sale = self.new_sale()
        self.new_sale()
        waived = self.new_sale()
        waived._waive("Goodwill")
        invoice = self.generate()
        invoice.button_draft()
        invoice.action_post()
        invoice._reverse_moves(cancel=True)
        invoice._release_credited_lead_sales("Wrong price")
        erasure = self.env["lead.erasure"]._erase_on_request(sale, "Asked for")
        for records in (
            sale.sudo().past_billing_ids,
            sale.sudo().release_ids,
            waived.sudo().waiver_ids,
            erasure,
        ):
            with self.subTest(model=records._name):
                self.assertTrue(records)
                with self.assertRaisesRegex(UserError, "permanent record"):
                    records.sudo().write({"company_id": self.company.id})
