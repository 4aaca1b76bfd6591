from . import (
    test_access,
    test_disputed_link,
    test_overdue,
    test_overview,
    test_portal,
    test_recharge,
    test_recharge_at_once,
    test_recharge_lives,
    test_recharge_portal,
    test_tours,
    test_translations,
)
