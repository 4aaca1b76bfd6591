from . import lead_return_request, lead_return_request_wizard
