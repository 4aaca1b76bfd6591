"""Odoo's own checks of form, of its addon `test_lint` and of `base`, for our addons.

Checks of files read ours only; those of all models and views report on ours only.
"""

import contextlib
import logging

import pytest

from odoo.modules import Manifest
from odoo.modules.registry import Registry
from odoo.tests import get_db_name
from odoo.tools import config

from odoo.addons.base.tests.test_views import TestInvisibleField
from odoo.addons.test_lint.tests import test_docstring, test_index, test_pofile
from odoo.addons.test_lint.tests.test_docstring import TestDocstring
from odoo.addons.test_lint.tests.test_dunderinit import TestDunderinit
from odoo.addons.test_lint.tests.test_i18n import TestI18n
from odoo.addons.test_lint.tests.test_index import TestIndex
from odoo.addons.test_lint.tests.test_jstranslate import TestJsTranslations
from odoo.addons.test_lint.tests.test_l10n import L10nLinter
from odoo.addons.test_lint.tests.test_manifests import ManifestLinter
from odoo.addons.test_lint.tests.test_naming import TestNaming
from odoo.addons.test_lint.tests.test_onchange_domains import TestOnchangeDomains
from odoo.addons.test_lint.tests.test_orm_import import (
    TestDunderinit as TestOrmImport,
)
from odoo.addons.test_lint.tests.test_override_signatures import (
    TestLintOverrideSignatures,
)
from odoo.addons.test_lint.tests.test_pofile import PotLinter
from odoo.addons.test_lint.tests.test_pylint import TestPyLint
from odoo.addons.test_lint.tests.test_routes import RoutesLinter
from odoo.addons.test_lint.tests.test_test_holes import TestTestHoles

from dev.environment.provision import ROOT, Environment

OURS = [addon.name for addon in Environment().addons()]
LOGGERS = ["odoo.addons.test_lint", "odoo.addons.base.tests.test_views"]
# They are the first key of these indexes.
COVERED_BY_OTHER_INDEXES = {
    "lead.invoice.run.buyer.run_id",  # _run_state_idx
    "lead.sale.commercial_partner_id",  # _commercial_partner_date_idx
}


class Findings(logging.Handler):
    """What checks only log, about our addons."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []

    def emit(self, record):
        text = record.getMessage()
        if any(name in text for name in OURS):
            self.found.append(text)


@pytest.fixture(autouse=True)
def only_ours(monkeypatch):
    manifests = [m for m in Manifest.all_addon_manifests() if m.name in OURS]
    assert len(manifests) == len(OURS)
    monkeypatch.setattr(Manifest, "all_addon_manifests", lambda: manifests)
    monkeypatch.setattr(test_pofile, "get_modules", lambda: OURS)
    monkeypatch.setattr(test_docstring, "MODULES_TO_LINT", tuple(OURS))
    monkeypatch.setattr(
        test_index,
        "BTREE_INDEX_IGNORE_FIELDS",
        test_index.BTREE_INDEX_IGNORE_FIELDS | COVERED_BY_OTHER_INDEXES,
    )
    # pylint reads it, and all addons outside of it.
    monkeypatch.setattr(config, "root_path", str(ROOT / OURS[0]))
    findings = Findings()
    for name in LOGGERS:
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "level", logging.WARNING)
        monkeypatch.setattr(logger, "handlers", [findings])
        monkeypatch.setattr(logger, "propagate", False)
    yield
    assert not findings.found, "\n".join(findings.found)


class ReportOnOurs:
    """For checks that go through all models, with a `subTest` for each thing."""

    @contextlib.contextmanager
    def subTest(self, msg=None, **about):  # noqa: N802
        if self.is_ours(**about):
            with super().subTest(msg, **about):
                yield
        else:
            with contextlib.suppress(Exception):
                yield

    @staticmethod
    def is_ours(model, method, **about):
        if "module" in about:
            return about["module"] in OURS
        function = getattr(Registry(get_db_name())[model], method)
        return any(function.__module__.startswith(f"odoo.addons.{o}") for o in OURS)


class TestOurDocstrings(ReportOnOurs, TestDocstring):
    pass


class TestOurNames(ReportOnOurs, TestNaming):
    pass


class TestOurSignatures(ReportOnOurs, TestLintOverrideSignatures):
    pass


def test_such_a_finding_is_found():
    """The checks above can fail: of a subTest about ours, and of what is logged."""
    for module, is_ours in (("base", False), (OURS[0], True)):
        assert ReportOnOurs.is_ours("res.partner", "write", module=module) == is_ours
    findings = Findings()
    findings.emit(logging.makeLogRecord({"msg": f"Addon: {OURS[0]!r}"}))
    assert findings.found


# They run as the classes above.
del TestDocstring, TestNaming, TestLintOverrideSignatures
__all__ = [
    "L10nLinter",
    "ManifestLinter",
    "PotLinter",
    "RoutesLinter",
    "TestDunderinit",
    "TestI18n",
    "TestIndex",
    "TestInvisibleField",
    "TestJsTranslations",
    "TestOnchangeDomains",
    "TestOrmImport",
    "TestPyLint",
    "TestTestHoles",
]
