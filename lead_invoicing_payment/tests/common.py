from unittest import SkipTest
from unittest.mock import patch

from freezegun import freeze_time

from odoo import SUPERUSER_ID, api, fields
from odoo.tests import tagged

from odoo.addons.lead_invoicing.tests.common.prepaid import PrepaidCommon

from ..models.payment_transaction import ChargeUnansweredError


class DemoProvider:
    """The demo provider in the company of the tests; mixed into their classes."""

    @classmethod
    def set_up_provider(cls):
        if "demo_simulated_state" not in cls.env["payment.token"]._fields:
            raise SkipTest("Odoo's payment_demo is not installed.")
        providers = cls.env["payment.provider"].sudo()
        cls.provider = providers.search(
            [("code", "=", "demo"), ("company_id", "=", cls.company.id)], limit=1
        ) or cls.env.ref("payment.payment_provider_demo").sudo().copy(
            {"company_id": cls.company.id}
        )
        cls.provider.write(
            {"state": "test", "is_published": True, "allow_tokenization": True}
        )
        bank = cls.company_data["default_journal_bank"]
        cls.provider.journal_id = bank
        outstanding = cls.env["account.account"].create(
            {
                "name": "Outstanding Receipts",
                "code": "101499",
                "account_type": "asset_current",
                "reconcile": True,
            }
        )
        bank.inbound_payment_method_line_ids.payment_account_id = outstanding
        cls.method = cls.env.ref("payment_demo.payment_method_demo")
        cls.method.sudo().active = True

    @classmethod
    def new_token(cls, partner, state="done", **vals):
        """Create a saved payment method whose charges end in a state."""
        return (
            cls.env["payment.token"]
            .sudo()
            .create(
                {
                    "provider_id": cls.provider.id,
                    "payment_method_id": cls.method.id,
                    "partner_id": partner.id,
                    "provider_ref": "x",
                    "payment_details": "1234",
                    "demo_simulated_state": state,
                    **vals,
                }
            )
        )

    def get_balance(self, buyer=None):
        buyer = buyer or self.buyer
        buyer.invalidate_recordset(["lead_prepaid_balance"])
        return buyer.lead_prepaid_balance


class Outside:
    """The provider, which keeps what it charged whatever becomes of the database: each
    reference once, as providers do with the keys of requests.

    :param is_silent: its answers do not arrive
    """

    def __init__(self):
        self.asked = []
        self.charges = {}
        self.is_silent = False

    def send_payment_request(self, transaction, answer):
        self.asked.append(transaction.reference)
        self.charges.setdefault(transaction.reference, transaction.amount)
        if self.is_silent:
            raise ChargeUnansweredError
        answer(transaction)


@tagged("post_install", "-at_install", "-clock")
class RechargeCommon(DemoProvider, PrepaidCommon):
    """A prepaid buyer with a saved payment method, and a provider that remembers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_provider()
        cls.job = cls.env.ref("lead_invoicing_payment.ir_cron_recharge")

    def setUp(self):
        super().setUp()
        self.person = self.portal_user.partner_id
        self.person.write({"parent_id": self.buyer.id, "email": "chris@example.com"})
        self.outside = Outside()
        outside, model = self.outside, self.registry["payment.transaction"]
        send = model._send_payment_request
        self.startPatcher(
            patch.object(
                model,
                "_send_payment_request",
                lambda tx: outside.send_payment_request(tx, send),
            )
        )
        self.token = self.new_token(self.person)

    def tearDown(self):
        self.generated_at = self.generated_at or fields.Datetime.now()
        super().tearDown()

    @property
    def recharges(self):
        return self.env["lead.recharge"].sudo().search([], order="id")

    @property
    def consents(self):
        return self.env["lead.recharge.consent"].sudo().search([], order="id")

    @property
    def payments(self):
        return self.env["account.payment"].search(
            [("payment_transaction_id", "!=", False)]
        )

    def consent(self, token=None, **vals):
        """Consent as the portal does: below 100, charge 500, at most 1000 a day."""
        consents = self.env["lead.recharge.consent"].with_user(self.portal_user).sudo()
        return consents._give(
            self.buyer.with_env(consents.env).with_company(self.company),
            {
                "token_id": (token or self.token).id,
                "currency_id": self.company.currency_id.id,
                "threshold": 100.0,
                "amount": 500.0,
                "daily_limit": 1000.0,
                **vals,
            },
        )

    def run_job(self, at=None):
        """Let the scheduled action run, at a moment or now."""
        with freeze_time(at or fields.Datetime.now()), self.enter_registry_test_mode():
            self.job.method_direct_trigger()
        self._forget()

    def _forget(self):
        """Forget what another transaction changed: records, and the last numbers."""
        self.env.invalidate_all()
        self.env["account.move"]._get_sequence_cache().clear()

    def do_as_job(self, step, recharge):
        """Do one step of a recharge as the job does, in a transaction of its own."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            getattr(env["lead.recharge"].browse(recharge.id), step)()
        self._forget()

    def get_mails(self):
        return self.env["mail.mail"].sudo().search([("model", "=", "lead.recharge")])
