from datetime import datetime
from unittest.mock import patch

from odoo import Command
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon


@tagged("post_install", "-at_install")
class LeadInvoicingCommon(AccountTestInvoicingCommon):
    """A small world that sells leads, built once for each test class.

    Its tests have one clock: what the database writes down as its moment follows
    ``freeze_time``, too. Those tagged with "clock", as are all that bill, are repeated
    as of other moments than now (``bin/test --at``).

    - ``company``: US dollars, a generic chart of accounts, no billing start
    - ``auto`` and ``edu``: lead types with typed lead data, one untaxed product each
    - ``buyer`` and ``other_buyer``: companies with the references B1 and B2;
      ``sub_account``: a contact of ``buyer``, reference B1-SUB
    - ``billing_user``, ``manager``, ``integrator``, ``portal_user`` (of ``buyer``) and
      ``plain_user``: a user for each kind of access. The tests themselves run as a user
      who may do everything in Lead Invoicing and in accounting.

    Make transactions by :meth:`sell` and :meth:`give_back`; they are recorded through
    the API's method, so that every test goes the way of the real ones.
    """

    @classmethod
    def get_default_groups(cls):
        return (
            super().get_default_groups()
            | cls.env.ref("lead_invoicing.group_manager")
            | cls.env.ref("lead_invoicing.group_lead_data")
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.object(cls.cr, "now", lambda: datetime.now()))
        cls.company.name = "Lead House"
        cls._create_lead_types()
        cls._create_buyers()
        cls._create_users()

    @classmethod
    def _create_lead_types(cls):
        cls.auto_product, cls.edu_product = cls.env["product.product"].create(
            [
                {"name": "Auto lead", "type": "service", "taxes_id": False},
                {"name": "Education lead", "type": "service", "taxes_id": False},
            ]
        )
        person = [
            {"name": "first_name", "string": "First Name", "type": "char"},
            {"name": "email", "string": "Email", "type": "char"},
        ]
        cls.auto, cls.edu = cls.env["lead.type"].create(
            [
                {
                    "name": "Auto Insurance",
                    "code": "AUTO",
                    "product_id": cls.auto_product.id,
                    "lead_properties_definition": [
                        *person,
                        {
                            "name": "vehicle_year",
                            "string": "Vehicle Year",
                            "type": "integer",
                        },
                        {
                            "name": "insured",
                            "string": "Currently Insured",
                            "type": "boolean",
                        },
                        {"name": "value", "string": "Value", "type": "float"},
                        {"name": "born_on", "string": "Born On", "type": "date"},
                        {"name": "asked_at", "string": "Asked At", "type": "datetime"},
                        {
                            "name": "fuel",
                            "string": "Fuel",
                            "type": "selection",
                            "selection": [["gas", "Gasoline"], ["ev", "Electric"]],
                        },
                        {
                            "name": "extras",
                            "string": "Extras",
                            "type": "tags",
                            "tags": [["roof", "Sun roof", 1], ["hook", "Hook", 2]],
                        },
                        {"name": "remarks", "string": "Remarks", "type": "text"},
                    ],
                },
                {
                    "name": "Online Degree",
                    "code": "EDU",
                    "product_id": cls.edu_product.id,
                    "lead_properties_definition": [
                        *person,
                        {"name": "program", "string": "Program", "type": "char"},
                    ],
                },
            ]
        )

    @classmethod
    def _create_buyers(cls):
        cls.buyer, cls.other_buyer = cls.env["res.partner"].create(
            [
                {
                    "name": "Buyer One",
                    "ref": "B1",
                    "is_company": True,
                    "email": "one@example.com",
                },
                {
                    "name": "Buyer Two",
                    "ref": "B2",
                    "is_company": True,
                    "email": "two@example.com",
                },
            ]
        )
        cls.sub_account = cls.env["res.partner"].create(
            {"name": "Branch", "ref": "B1-SUB", "parent_id": cls.buyer.id}
        )

    @classmethod
    def _create_users(cls):
        def new_user(login, groups, **values):
            return new_test_user(
                cls.env,
                login=login,
                groups=groups,
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
                **values,
            )

        internal = "base.group_user,lead_invoicing."
        cls.billing_user = new_user("lead_billing", internal + "group_user")
        cls.manager = new_user("lead_manager", internal + "group_manager")
        cls.integrator = new_user("lead_integrator", internal + "group_integrator")
        cls.plain_user = new_user("lead_plain", "base.group_user")
        clerk = {"name": "Buyer One's clerk", "parent_id": cls.buyer.id}
        cls.portal_user = new_user(
            "lead_portal",
            "base.group_portal",
            partner_id=cls.env["res.partner"].create(clerk).id,
        )

    # Transactions

    @classmethod
    def sale_vals(cls, external_ref, /, **vals):
        """Return a good row for ``record_transactions``, changed by ``vals``."""
        return {
            "external_ref": external_ref,
            "type": "sale",
            "occurred_at": "2026-01-15T12:00:00Z",
            "buyer_ref": "B1",
            "lead_type": "AUTO",
            "price": 20.0,
            **vals,
        }

    @classmethod
    def return_vals(cls, external_ref, origin, /, **vals):
        """Return a good row that returns the default sale ``origin`` (a reference)."""
        vals = {
            "type": "return",
            "origin_external_ref": origin,
            "occurred_at": "2026-01-16T12:00:00Z",
            "reason": "wrong number",
            **vals,
        }
        return cls.sale_vals(external_ref, **vals)

    def record(self, *vals_list, user=None):
        """Record plain rows and return the answers."""
        ledger = self.env["lead.sale"]
        if user:
            ledger = ledger.with_user(user)
        return ledger.record_transactions(list(vals_list))

    def record_all(self, *vals_list):
        """Record plain rows that must all be created; return the transactions."""
        answers = self.record(*vals_list)
        self.assertEqual([answer["message"] for answer in answers], [""] * len(answers))
        self.assertEqual({answer["status"] for answer in answers}, {"created"})
        return self.env["lead.sale"].browse([answer["id"] for answer in answers])

    def sell(self, external_ref, /, **vals):
        """Record a sale of 20 dollars to ``buyer`` on 15 January 2026, or as told."""
        return self.record_all(self.sale_vals(external_ref, **vals))

    def give_back(self, external_ref, origin, /, **vals):
        """Record the return of ``origin`` on the next day, or as told."""
        return self.record_all(self.return_vals(external_ref, origin, **vals))

    def invoice(self, sales, post=True):
        """Put ``sales`` of one buyer on an invoice by hand, without a run.

        For tests of the ledger only: the engine has its own ways and its own tests.
        """
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": sales.commercial_partner_id.id,
                "invoice_date": "2026-02-01",
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.auto_product.id,
                            "quantity": 1,
                            "price_unit": sum(sales.mapped("amount")),
                            "tax_ids": [],
                        }
                    )
                ],
            }
        )
        # Only the engine links transactions to lines.
        sales.sudo().write({"invoice_line_id": invoice.invoice_line_ids.id})
        if post:
            invoice.action_post()
        return invoice


class LeadInvoicingHttpCommon(LeadInvoicingCommon, HttpCase):
    """The same world for tests that talk HTTP."""


def let_threads_have_the_registry(test):
    """Let threads of a test have the registry. `odoo --test-tags` holds its lock while
    tests run, for ever if they wait for a thread that waits for it; Odoo itself does
    the same where tests answer requests."""
    test.startPatcher(patch.object(Registry, "_lock", DummyRLock()))
