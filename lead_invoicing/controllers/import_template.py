import io

from odoo import http
from odoo.http import content_disposition, request

from ..report.import_template import write_template
from .file_responses import FileResponses
from .routing import get_company_env, lead_route


class ImportTemplate(FileResponses, http.Controller):
    """The files to begin an import with. They are made anew: their examples are of the
    user's company."""

    @lead_route(
        "/lead-invoicing/import-template/<any(leads, buyers):subject>"
        ".<any(xlsx, csv):file_type>",
        type="http",
        auth="user",
        methods=["GET"],
        readonly=True,
    )
    def download(self, subject, file_type, company_id=None, **_params):
        """Send a template, for users who may import what it is for.

        :param company_id: one of the user's companies, by default the current one
        """
        env = get_company_env(company_id)
        right = {"leads": "create", "buyers": "read"}[subject]
        if not env["lead.sale"].has_access(right):
            return request.not_found()
        if subject == "leads":
            title, rows = env._("Lead Sales"), env["lead.sale"]._get_import_template()
        else:
            title, rows = (
                env._("Buyers"),
                env["res.partner"]._get_lead_import_template(),
            )
        file = io.BytesIO()
        write_template(rows, title, file_type, file)
        name = content_disposition(f"{title}.{file_type}")
        response = request.make_response(
            file.getvalue(), [("Content-Disposition", name)]
        )
        return self._add_headers(response, file_type)
