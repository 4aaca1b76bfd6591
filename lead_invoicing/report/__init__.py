from . import report_invoicing
