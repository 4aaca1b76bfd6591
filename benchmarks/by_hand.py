"""What the benchmarks do inside Odoo: press the wizard's buttons, run the job.

Runs in `odoo shell`; every function takes its environment.
"""

import time

from demo.load import say

# Every so many buyers have a minimum amount, which holds some of their leads back.
EVERY = 20
MINIMUM = 40


def set_minimums(env, _options):
    """Let some buyers wait for more."""
    buyers = env["lead.sale"]._read_group([], ["commercial_partner_id"])
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
