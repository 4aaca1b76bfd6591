from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .generation import GenerationCommon


@tagged("-clock")
class RightsCommon(GenerationCommon):
    """The world of generation with one document, one failed buyer, and users who may
    do as little as possible: an ``accountant`` (Odoo's billing only), a portal user of
    the ``buyer`` and one of another, and a ``stranger`` who manages the lead invoicing
    of another company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_buyer = cls.new_buyer("Buyer B")
        cls.accountant = cls.new_user("clerk", "account.group_account_invoice")
        cls.portal_user = cls.new_portal_user(cls.buyer)
        cls.other_portal_user = cls.new_portal_user(cls.other_buyer)
        cls.public_user = cls.env.ref("base.public_user")
        cls.abroad = cls._create_company(name="Other House")
        cls.stranger = new_test_user(
            cls.env,
            login="stranger",
            groups="base.group_user,lead_invoicing.group_manager,"
            "lead_invoicing.group_lead_data,base.group_partner_manager",
            company_id=cls.abroad.id,
            company_ids=[Command.set(cls.abroad.ids)],
        )

    @classmethod
    def new_user(cls, login, groups, **values):
        return new_test_user(
            cls.env,
            login=f"rights_{login}",
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **values,
        )

    @classmethod
    def new_portal_user(cls, buyer):
        clerk = cls.env["res.partner"].create(
            {"name": f"Clerk of {buyer.name}", "parent_id": buyer.id}
        )
        return cls.new_user(buyer.name, "base.group_portal", partner_id=clerk.id)

    def bill(self):
        """Bill a sale to ``buyer``; ``other_buyer`` fails, its sale stays unbilled."""
        self.sale = self.new_sale(lead_data={"first_name": "Ada"})
        self.other_sale = self.new_sale(
            self.other_buyer, lead_data={"first_name": "Grace"}
        )
        self.receivable = self.other_buyer.property_account_receivable_id.copy()
        self.other_buyer.property_account_receivable_id = self.receivable
        self.receivable.active = False
        self.document = self.generate()
        self.run = self.document.lead_run_id
        self.failure = self.run.failure_ids
        self.assertEqual(self.failure.partner_id, self.other_buyer)
        self.lead_line = self.document.invoice_line_ids

    def reverse(self, user=None, modify=False):
        """Reverse the document with Odoo's wizard, as a user does."""
        wizard = (
            self.env["account.move.reversal"]
            .with_user(user or self.env.user)
            .with_context(active_model="account.move", active_ids=self.document.ids)
            .create({"reason": "Agreed", "journal_id": self.document.journal_id.id})
        )
        action = wizard.modify_moves() if modify else wizard.refund_moves()
        return self.env["account.move"].with_user(user).browse(action["res_id"])

    def read_ours(self, records):
        """Read all fields that the addon adds to a model and shows to the user."""
        names = [name for name in records.fields_get() if name.startswith("lead_")]
        self.assertTrue(names)
        records.read(names)
        records.web_read({name: {} for name in names})

    def assert_refused(self, method, *args, **kwargs):
        with self.assertRaises(UserError):
            method(*args, **kwargs)
