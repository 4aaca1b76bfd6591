from . import (
    test_billing_cycle,
    test_windows,
)
