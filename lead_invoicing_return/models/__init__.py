# ruff: noqa: I001
"""Owns return requests: what they say, how a buyer makes them, how they are decided,
and who is told. The order is that of `super()`.
"""

from . import lead_return_request
from . import lead_return_request_deciding
from . import lead_return_request_buyer
from . import lead_return_request_telling
from . import lead_sale
from . import lead_erasure
from . import lead_type
from . import res_partner
from . import mail_activity
from . import res_company
from . import mail_mail
