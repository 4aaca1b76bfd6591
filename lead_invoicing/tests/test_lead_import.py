import csv
import io

from psycopg2.errors import SerializationFailure

from odoo.tools import mute_logger

from .common.world import LeadInvoicingCommon

OPTIONS = {
    "quoting": '"',
    "separator": ",",
    "has_headers": True,
    "date_format": "",
    "datetime_format": "%Y-%m-%d %H:%M:%S",
    "float_thousand_separator": ",",
    "float_decimal_separator": ".",
}


class TestLeadImport(LeadInvoicingCommon):
    """Odoo's own import of files, on the list of transactions."""

    def import_file(self, columns, *rows, dryrun=False):
        """Import a CSV file with ``columns`` (field paths) and return the result."""
        buffer = io.StringIO()
        csv.writer(buffer).writerows([columns, *rows])
        wizard = self.env["base_import.import"].create(
            {
                "res_model": "lead.sale",
                "file": buffer.getvalue().encode(),
                "file_name": "sales.csv",
                "file_type": "text/csv",
            }
        )
        return wizard.execute_import(columns, columns, OPTIONS, dryrun)

    # As the platform exports

    PLATFORM_COLUMNS = (
        "external_ref",
        "transaction_type",
        "origin_external_ref",
        "occurred_at",
        "buyer_ref",
        "lead_type_id",
        "price",
        "lead_data.email",
        "lead_data.vehicle_year",
        "lead_data.program",
    )

    def platform_row(self, external_ref, **changes):
        row = {
            "external_ref": external_ref,
            "transaction_type": "sale",
            "occurred_at": "2026-01-15T07:00:00-05:00",
            "buyer_ref": "B1",
            "lead_type_id": "AUTO",
            "price": "20.00",
            **changes,
        }
        return [row.get(name, "") for name in self.PLATFORM_COLUMNS]

    def import_platform(self, *rows, **options):
        return self.import_file(list(self.PLATFORM_COLUMNS), *rows, **options)

    def test_export_of_the_platform_is_imported(self):
        result = self.import_platform(
            # A return before its sale, and two lead types with data of their own.
            self.platform_row(
                "R1",
                transaction_type="return",
                origin_external_ref="T1",
                occurred_at="2026-01-16T12:00:00Z",
                price="5",
            ),
            self.platform_row("T1", **{"lead_data.vehicle_year": "2008"}),
            self.platform_row("T2", lead_type_id="EDU", **{"lead_data.program": "Law"}),
        )
        self.assertFalse(result["messages"])
        returned, auto, edu = self.env["lead.sale"].browse(result["ids"])
        self.assertEqual(returned.origin_id, auto)
        self.assertTrue(returned.price_adjustment)
        self.assertEqual(auto.partner_id, self.buyer)
        self.assertEqual(auto.lead_data["vehicle_year"], 2008)
        self.assertEqual(edu.lead_data["program"], "Law")
        answers = self.record(self.sale_vals("T1"))
        self.assertEqual(answers[0]["status"], "duplicate")

    def test_every_bad_row_is_named_with_its_field(self):
        self.sell("T0")
        result = self.import_platform(
            self.platform_row("T1"),
            self.platform_row("T2", price="-1"),
            self.platform_row("T3", buyer_ref="B?"),
            self.platform_row("T4", **{"lead_data.vehicle_year": "new"}),
            self.platform_row("T5", **{"lead_data.program": "Law"}),
            self.platform_row("T0", price="21.00"),
            self.platform_row(
                "R1",
                transaction_type="return",
                origin_external_ref="T1",
                occurred_at="2026-01-16T12:00:00Z",
            ),
        )
        self.assertFalse(result["ids"])
        found = [
            (message["rows"]["from"], message["field"], message["type"])
            for message in result["messages"]
        ]
        self.assertEqual(
            found,
            [
                (1, "price", "error"),
                (2, "partner_id", "error"),
                (3, "lead_data", "error"),
                (4, "lead_data", "error"),
                (5, "external_ref", "error"),
            ],
        )
        self.assertIn("“new”", result["messages"][2]["message"])
        self.assertEqual(self.env["lead.sale"].search([]).external_ref, "T0")

    def test_meeting_another_import_is_no_error_of_a_row(self):
        """PostgreSQL refuses rows that somebody else records at the moment: the
        request is repeated, as any other is, and the user is told nothing."""
        self.env.cr.execute(
            """
            CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END $$;
            CREATE TRIGGER meet BEFORE INSERT ON lead_sale EXECUTE FUNCTION meet()
            """
        )
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(SerializationFailure),
            self.env.cr.savepoint(),
        ):
            self.import_platform(self.platform_row("T1"))

    def test_trying_out_stores_nothing(self):
        result = self.import_platform(self.platform_row("T1"), dryrun=True)
        self.assertFalse(result["messages"])
        self.assertFalse(self.env["lead.sale"].search([]))

    # As people fill in a sheet

    def test_buyer_type_and_sale_by_their_names(self):
        self.sell("T1")
        result = self.import_file(
            [
                *("external_ref", "transaction_type", "origin_id", "date"),
                *("partner_id", "lead_type_id", "price", "reason"),
            ],
            [
                *("R1", "Return", "T1", "2026-01-16 12:00:00"),
                *("Buyer One", "Auto Insurance", "20", "wrong number"),
            ],
        )
        self.assertFalse(result["messages"])
        returned = self.env["lead.sale"].browse(result["ids"])
        self.assertEqual(returned.origin_id.external_ref, "T1")
        self.assertEqual(returned.partner_id, self.buyer)

    def test_unknown_names_are_told_by_odoo(self):
        columns = ["external_ref", "date", "partner_id", "lead_type_id", "price"]
        row = ["T1", "2026-01-15 12:00:00", "Nobody", "AUTO", "20"]
        result = self.import_file(columns, row)
        self.assertEqual(result["messages"][0]["field"], "partner_id")
        self.assertIn("Nobody", result["messages"][0]["message"])

    def test_what_lead_invoicing_decides_is_no_column(self):
        tree = self.env["base_import.import"].get_fields_tree("lead.sale")
        names = {field["name"] for field in tree}
        self.assertFalse(
            names & {"waived", "amount", "row_hash", "invoice_line_id", "return_number"}
        )
        self.assertTrue(
            {"buyer_ref", "occurred_at", "origin_external_ref", "lead_data.program"}
            <= names
        )
