"""What the benchmarks do inside Odoo: press the wizard's buttons, run the job.

Runs in `odoo shell`; every function takes its environment.
"""

import time
from datetime import datetime, timedelta
from pathlib import Path

from odoo.exceptions import UserError
from odoo.service.model import retrying

from dev.acceptance.load import say

BUYER = "commercial_partner_id"
GROUP = 40

# Every so many buyers have a minimum amount, which holds some of their leads back.
EVERY = 20
MINIMUM = 40


def set_minimums(env, _options):
    """Let some buyers wait for more."""
    buyers = env["lead.sale"]._read_group([], [BUYER])
    for number, (buyer,) in enumerate(buyers):
        if number % EVERY == 0:
            buyer.lead_minimum_amount = MINIMUM
    env.cr.commit()


def preview_and_invoice(env, options):
    """Press the wizard's two buttons, for every buyer, up to a day."""
    wizard = env["lead.invoice.wizard"].create(
        {"date_to": options["date_to"], "posting": "post"}
    )
    started = time.monotonic()
    wizard.action_preview()
    env.flush_all()
    say(
        f"previewed {len(wizard.line_ids.partner_id)} buyers in"
        f" {time.monotonic() - started:.2f} s"
    )
    wizard.action_invoice()
    env.cr.commit()


# Two at once: each waits for the other, then for a moment of its own


def contend(env, options):
    """Invoice one group of buyers after the other, at the same moment as another
    process, as a clerk or as the scheduled action.

    :param options: `role`, `folder` for the signs that are given, `delays`, the
        seconds to wait in each round
    """
    act = {"clerk": press_invoice, "schedule": run_scheduled_action}[options["role"]]
    signs = Signs(Path(options["folder"]), options["role"])
    for number, delay in enumerate(options["delays"]):
        signs.give(f"ready-{number}")
        start = float(signs.wait_for(f"start-{number}"))
        time.sleep(max(start + delay - time.time(), 0))
        # What was committed since this process last looked.
        env.cr.rollback()
        env.invalidate_all()
        buyers = get_group(env, number)
        # Every other time the clerk takes half of them.
        buyers = buyers[:: number % 2 + 1]
        signs.give(f"done-{number}", act(env, buyers))


class Signs:
    """Files by which processes tell each other how far they are."""

    def __init__(self, folder, role):
        self.folder = folder
        self.role = role

    def give(self, name, text=""):
        file = self.folder / f"{name}-{self.role}"
        # Renamed when written, so that nobody reads half of it.
        file.with_suffix(".new").write_text(text)
        file.with_suffix(".new").rename(file)

    def wait_for(self, name):
        file = self.folder / name
        while not file.exists():
            time.sleep(0.01)
        return file.read_text()


def get_group(env, number):
    """The buyers of a round: forty are one batch, which the wizard makes at once."""
    buyers = [buyer for (buyer,) in env["lead.sale"]._read_group([], [BUYER])]
    group = buyers[GROUP * number :][:GROUP]
    return env["res.partner"].concat(*group)


def make_due(env, options):
    """Give the buyers of a round a cycle whose last window is due now."""
    cycle = env["lead.billing.cycle"].create(
        {
            "name": f"Round {options['number']}",
            "tz": "America/New_York",
            "posting": "post",
            "invoice_date_policy": "window_end",
        }
    )
    get_group(env, options["number"]).lead_billing_cycle_id = cycle
    cycle.next_generation_at = datetime.now() - timedelta(days=8)
    env.cr.commit()


def press_invoice(env, buyers):
    """Press the wizard's button, tried again as the web server does."""
    try:
        retrying(lambda: create_wizard(env, buyers).action_invoice(), env)
    except UserError as error:
        env.cr.rollback()
        return str(error)
    return "invoiced"


def create_wizard(env, buyers):
    return env["lead.invoice.wizard"].create(
        {"partner_ids": [(6, 0, buyers.ids)], "posting": "post"}
    )


def run_scheduled_action(env, _buyers):
    """Run the scheduled action, as its own button does, again while work remains: as
    the scheduler does, who only waits longer."""
    job = env.ref("lead_invoicing.ir_cron_generate_invoices")
    times = 0
    while times == 0 or is_work_left(env):
        job.method_direct_trigger()
        env.cr.commit()
        times += 1
        time.sleep(0.05)
    return f"ran {times} times"


def is_work_left(env):
    return bool(
        env["lead.billing.cycle"]._get_due_cycles()
        or env["lead.invoice.run"]._count_waiting()
    )
