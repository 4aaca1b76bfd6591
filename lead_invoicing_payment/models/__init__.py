# ruff: noqa: I001
"""Owns automatic recharge: what a buyer consented to, each charge from its decision to
its deposit, and who is told; and which invoices can be paid online. The order is that
of `super()`.
"""

from . import account_move_online
from . import account_payment
from . import payment_transaction
from . import lead_recharge_consent
from . import lead_recharge_consent_telling
from . import lead_recharge
from . import lead_recharge_job
from . import lead_recharge_telling
from . import payment_provider
from . import payment_token
from . import res_partner
from . import mail_activity
from . import mail_mail
