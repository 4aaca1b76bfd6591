import logging
import os
import time
from datetime import datetime

from freezegun import freeze_time

from .generation import GenerationCommon
from .lives import Life, shrink

_logger = logging.getLogger(__name__)

# In longer runs: how many lives, of how many steps, and from which seed on.
SEEDS = int(os.environ.get("LEAD_INVOICING_LIVES_SEEDS", "3"))
STEPS = int(os.environ.get("LEAD_INVOICING_LIVES_STEPS", "100"))
FIRST_SEED = int(os.environ.get("LEAD_INVOICING_LIVES_FIRST", "1"))
# To shorten a long life would take hours, without a word of what broke it.
SHRINK_ATTEMPTS = int(
    os.environ.get("LEAD_INVOICING_LIVES_SHRINK", "60" if STEPS <= 200 else "0")
)


class LivesCommon(GenerationCommon):
    """A world for random lives, and how they are lived."""

    # Whose steps are taken.
    life = Life
    birth = datetime(2026, 11, 3, 12)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_2 = cls.setup_other_company(name="Lead House East")["company"]
        cls.env.user.company_ids |= cls.company_2
        cls.env = cls.env(
            context={
                **cls.env.context,
                "allowed_company_ids": [cls.company.id, cls.company_2.id],
                "tracking_disable": True,
            }
        )
        cls.setup_other_currency("EUR")
        with freeze_time(cls.birth):
            cls.cycle_2 = cls.cycle.with_env(cls.env).copy(
                {"name": "East", "company_id": cls.company_2.id, "posting": "draft"}
            )
        cls.cycles = cls.cycle.with_env(cls.env) | cls.cycle_2
        for cycle in cls.cycles:
            cycle.company_id.lead_billing_cycle_id = cycle
            cycle.company_id.lead_reminders = True
        cls.reminding = cls.env.ref("lead_invoicing.ir_cron_send_reminders")
        for lead_type in cls.auto | cls.edu:
            lead_type.with_env(cls.env).copy(
                {"company_id": cls.company_2.id, "code": lead_type.code}
            )
        cls.taxes = [
            cls.company_data["default_tax_sale"],
            cls.env["account.tax"].create(
                {
                    "name": "Included",
                    "amount": 8,
                    "price_include_override": "tax_included",
                }
            ),
        ]
        cls.charge_product = cls.env["product.product"].create(
            {"name": "Charge", "type": "service", "taxes_id": False}
        )
        cls.banks = {}
        for company in cls.company | cls.company_2:
            bank = cls.env["account.journal"].search(
                [("type", "=", "bank"), ("company_id", "=", company.id)], limit=1
            )
            bank.inbound_payment_method_line_ids.payment_account_id = (
                cls.env["account.account"]
                .with_company(company)
                .search(
                    [
                        ("company_ids", "in", company.ids),
                        ("account_type", "=", "asset_current"),
                    ],
                    limit=1,
                )
            )
            cls.banks[company] = bank
        cls.all_buyers = cls.buyer.with_env(cls.env)
        for name in ("Buyer B", "Buyer C", "Buyer D", "Buyer E"):
            cls.all_buyers |= cls.env["res.partner"].create(
                {
                    "name": name,
                    "ref": f"ref {name}",
                    "is_company": True,
                    "email": f"{name[-1].lower()}@example.com",
                }
            )
        cls.all_buyers |= cls.env["res.partner"].create(
            {
                "name": "Branch of C",
                "ref": "ref branch",
                "parent_id": cls.all_buyers[2].id,
            }
        )
        cls.all_buyers[3].lead_billing_mode = "prepaid"

    def live(self, steps):
        """Live these steps, and leave nothing of it.

        :return: the life, and None or (index of the step that broke, why)
        """
        with freeze_time(self.birth) as clock:
            savepoint = self.env.cr.savepoint(flush=True)
            try:
                life = self.life(self, clock)
                return life, life.play(steps)
            finally:
                self.env.invalidate_all(flush=False)
                savepoint.close(rollback=True)
                self.env.transaction.clear()
                self.registry.clear_all_caches()

    def assert_all_lives(self):
        """Live as many lives as are asked for; each is told of by its seed."""
        for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
            with self.subTest(seed=seed):
                self.assert_lives(seed)

    def assert_lives(self, seed):
        steps = self.life.draw_steps(seed, STEPS)
        started = time.process_time()
        life, broken = self.live(steps)
        seconds = time.process_time() - started
        taken = broken[0] + 1 if broken else len(steps)
        _logger.info(
            "Life %s: %s steps, %.3f s of this process each, %s refused; %s",
            seed,
            taken,
            seconds / taken,
            life.refused,
            life.done,
        )
        if not broken:
            return
        index, reason = broken
        kind = reason.split(":")[0]

        def is_broken(fewer):
            again = self.live(fewer)[1]
            return bool(again) and again[1].split(":")[0] == kind

        shortest = shrink(is_broken, steps[: index + 1], SHRINK_ATTEMPTS)
        if len(shortest) <= index:
            life, broken = self.live(shortest)
        diary = "\n".join(life.diary)
        self.fail(
            f"seed {seed}, step {index + 1}: {reason}\nShortest: {shortest}\n{diary}\n"
            f"ends with: {broken and broken[1]}"
        )
