from . import (
    test_any_input,
    test_billing_cycle,
    test_delivery,
    test_generation,
    test_json2,
    test_lead_import,
    test_lead_sale,
    test_record_transactions,
    test_recording_at_once,
    test_rights,
    test_tours,
    test_windows,
)
