from . import (
    test_access,
    test_asking,
    test_at_once,
    test_corrections,
    test_deciding,
    test_erasure,
    test_overview,
    test_platform,
    test_portal,
    test_request_lives,
    test_tours,
    test_translations,
)
