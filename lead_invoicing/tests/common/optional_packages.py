"""Packages that the tests use and a stock Odoo lacks (`test-requirements.txt`).

Without them everything loads, and what needs them is skipped and says why.
"""

import unittest

try:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    # Time on a busy machine proves nothing, and what was found before is no part of a
    # test.
    settings.register_profile(
        "lead_invoicing",
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("lead_invoicing")
except ImportError:

    class _Nothing:
        """Stands for any strategy, and for whatever is made of strategies."""

        def __getattr__(self, _name):
            return self

        def __call__(self, *_args, **_kwargs):
            return self

        def __or__(self, _other):
            return self

        def __iter__(self):
            return iter(())

    class settings:  # noqa: N801
        """Leaves the test that it decorates as it is."""

        def __init__(self, **_options):
            pass

        def __call__(self, test):
            return test

    def given(*_args, **_kwargs):
        """Skip the test that it decorates."""
        return unittest.skip("hypothesis is not installed")

    st = HealthCheck = Phase = _Nothing()

try:
    from aiosmtpd.controller import Controller
except ImportError:
    Controller = None

needs_smtp_server = unittest.skipUnless(Controller, "aiosmtpd is not installed")

__all__ = [
    "Controller",
    "HealthCheck",
    "Phase",
    "given",
    "needs_smtp_server",
    "settings",
    "st",
]
