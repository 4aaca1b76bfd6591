from odoo.exceptions import UserError
from odoo.http import Controller, request

from ..report.screen_document import make_screen_pdf, write_screen_xlsx
from ..tools.context_values import read_ids
from .file_responses import FileResponses, sends_file
from .routing import get_company_env, lead_route, report_route, select_company

# The screens, by the names that they have in addresses.
MODELS = {
    "month-close": "lead.month.close",
    "unbilled-as-of": "lead.unbilled.as.at.wizard",
    "control-totals": "lead.control.totals",
}
SCREENS = f"<any({', '.join(map(repr, MODELS))}):screen>"


class LeadScreens(FileResponses, Controller):
    """Addresses of the screens with dates and totals: links to them, and their files.
    Who may see what is decided by their models."""

    # A website, for the page that says what is wrong.
    @lead_route(
        f"/lead-invoicing/{SCREENS}",
        type="http",
        auth="user",
        methods=["GET"],
        website=True,
    )
    def open_lead_screen(self, screen, company_id=None, **params):
        """Open a screen as a link names it: another person's sees the same days.

        :param company_id: one of the user's companies, by default the current one
        :param params: see ``_get_link_params`` of the screen
        """
        env = get_company_env(company_id)
        try:
            record = env[MODELS[screen]]._open(params)
        except UserError as error:
            return self._refuse(error)
        # The figures open lists, which are of the selected companies only.
        select_company(record.company_id)
        action = record._get_screen_action()
        return request.redirect(f"/odoo/action-{action['id']}/{record.id}")

    @report_route(
        f"/lead-invoicing/{SCREENS}/<int:record_id>/<any(xlsx, pdf):file_type>",
        methods=["GET"],
    )
    @sends_file
    def download_lead_screen(self, screen, record_id, file_type, **_params):
        """Download what a screen of the user shows.

        :param record_id: the screen
        """

        def write(file):
            if file_type == "xlsx":
                write_screen_xlsx(document, file)
            else:
                file.write(make_screen_pdf(document))

        (record_id,) = read_ids(request.env, [record_id])
        document = request.env[MODELS[screen]].browse(record_id)._get_document()
        name = f"{document.title}.{file_type}"
        return self._respond_with_file(write, name, file_type)
