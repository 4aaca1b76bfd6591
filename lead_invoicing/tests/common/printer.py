from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.addons.base.models import ir_actions_report

# Crashes as often as it is told to, then prints: a page without a word.
SCRIPT = """#!/bin/sh
echo "$@" >> '{folder}/calls'
left=$(cat '{folder}/crashes')
if [ "$left" -gt 0 ]; then
    echo $((left - 1)) > '{folder}/crashes'
    kill -SEGV $$
fi
for last; do :; done
printf '%s' '{page}' > "$last"
"""
PAGE = (
    "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    "trailer<</Root 1 0 R>>"
)


class Printer:
    """A program in wkhtmltopdf's place that kills itself."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.path = self.folder / "wkhtmltopdf"
        self.path.write_text(SCRIPT.format(folder=folder, page=PAGE))
        self.path.chmod(0o755)
        self.crash(0)

    def crash(self, times):
        (self.folder / "crashes").write_text(str(times))

    @property
    def calls(self):
        """How often it was asked to print."""
        calls = self.folder / "calls"
        return len(calls.read_text().splitlines()) if calls.exists() else 0


@contextmanager
def printing(env):
    """Give a printer that Odoo prints with meanwhile: it does not in its tests."""
    reports = env.registry["ir.actions.report"]
    original = reports._pre_render_qweb_pdf

    def render(report, *args, **kwargs):
        report = report.with_context(force_report_rendering=True)
        return original(report, *args, **kwargs)

    with TemporaryDirectory() as folder:
        printer = Printer(folder)
        info = ir_actions_report._wkhtml()._replace(state="ok", bin=str(printer.path))
        with (
            patch.object(reports, "_pre_render_qweb_pdf", render),
            patch.object(ir_actions_report, "_wkhtml", lambda: info),
        ):
            yield printer
