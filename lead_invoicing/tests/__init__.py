from . import (
    test_billing_cycle,
    test_json2,
    test_lead_import,
    test_generation,
    test_record_transactions,
    test_windows,
)
