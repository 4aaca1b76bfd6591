import os
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, config

from ..tools.downloads import sweep
from ..tools.local_time import get_zone, local_day
from ..tools.parsing import shorten
from ..tools.windows import day_start, to_wall
from .columns import get_columns, get_lead_data_fields
from .conditions import get_buyer_sql, get_source_sql, get_unbilled_sql
from .invoicing_report import InvoicingReport
from .params import read_params, refuse

# So many fields of lead data are shown until the reader chooses.
DEFAULT_FIELDS = 5
# How large a file may be (MB), unless the system parameter says otherwise.
DOWNLOAD_LIMIT = 1000


class LeadInvoicingReport(models.AbstractModel):
    """Opens the Invoicing Report: one row for each lead transaction of a buyer.

    Whoever may see what is decided here, whatever is asked for: portal users see the
    rows of their own commercial partner, with the data of the leads that they bought;
    internal users need the group *Billing* for the rows and *see lead data* for the
    data, and see the companies that they are in.
    """

    _name = "lead.invoicing.report"
    _description = "Invoicing Report"

    @api.model
    def _open(self, partner, params):
        """Return the report of a buyer.

        :param partner: the buyer, or a contact of it
        :param params: dict of texts, as the address of the report has them; all are
            optional, unknown ones are ignored

            - ``lead_type_id``: one that the buyer has transactions of; by default all
              of them, with the columns that all have
            - ``date_from``, ``date_to``: days such as 2026-01-31, both inclusive, in
              the time zone of the buyer's cycle, else the company's billing time
              zone; by default from the start of the last window that is over
              (without windows: of last month) until today
            - ``fields``: names of lead-data fields with commas; empty for none, the
              first five by default. Lead data needs one type: where names are given
              and no type, it is the buyer's first
            - ``transaction_type``: ``sale``, ``return``, or empty for both
            - ``invoice_id``: exactly the rows of this document, also those released
              from it after it was reversed; whatever their dates and, unless one is
              given, lead types
            - ``billing``: ``unbilled`` for what is on no document yet and not waived;
              by default from the first such day
        :return: the report
        :rtype: odoo.addons.lead_invoicing.report.invoicing_report.InvoicingReport
        :raises AccessError: if the reader may not see this buyer's rows
        :raises UserError: a sentence that names the parameter that is not right
        """
        partner = self._check_reader(partner)
        asked = read_params(self.env, params)
        self.env.flush_all()
        invoice = self._get_invoice(partner, asked.invoice_id)
        buyers = self._get_buyers(partner, invoice)
        lead_types = self._get_lead_types(buyers, invoice, asked.lead_type_id)
        lead_type = self._get_lead_type(lead_types, asked)
        # Cycles and time zones are no secret; the reader need not see them for it.
        company = self._get_company(invoice, lead_type or lead_types).sudo()
        cycle = partner.sudo().with_company(company)._get_lead_billing_cycle()
        zone = self._get_zone(partner, company)
        date_from = date_to = start = end = None
        if not invoice:
            if asked.billing and not (asked.date_from or asked.date_to):
                first = self._get_unbilled_day(buyers, lead_type or lead_types, zone)
                asked = asked._replace(date_from=first)
            date_from, date_to = self._get_days(cycle, zone, asked)
            start = day_start(date_from, zone)
            end = day_start(date_to + timedelta(days=1), zone)
        lead_data = self._get_lead_data(lead_type)
        return InvoicingReport(
            self.env,
            partner=partner,
            buyers=buyers,
            invoice=invoice,
            lead_type=lead_type,
            lead_data=lead_data,
            names=self._get_names(lead_data, asked.fields),
            date_from=date_from,
            date_to=date_to,
            start=start,
            end=end,
            tz=zone.key,
            transaction_type=asked.transaction_type,
            billing=asked.billing,
        )

    @api.model
    def _check_reader(self, partner):
        """Return the buyer that a contact belongs to; refuse whoever may not see its
        rows.

        :raises AccessError: always the same, whether there is such a buyer or not
        """
        reader = self.env.user
        # sudo() is safe: which buyer it is decides who may see it, and the caller gets
        # it only when the reader may.
        partner = partner.sudo().exists().commercial_partner_id.with_env(self.env)
        if reader._is_portal():
            # Even where a controller lends a portal user more rights.
            allowed = partner == reader.partner_id.commercial_partner_id
        else:
            allowed = self.env.su or (
                reader.has_group("lead_invoicing.group_user")
                and partner.has_access("read")
            )
        if not (allowed and partner):
            raise AccessError(self.env._("You cannot see the leads of this buyer."))
        return partner

    @api.model
    def _get_invoice(self, partner, invoice_id):
        """Return the document with this id, if the reader may see it and it is the
        buyer's; an empty one without an id.

        :raises UserError: if there is none
        """
        invoice = self.env["account.move"].browse(invoice_id)
        if not invoice_id:
            return invoice
        if self.env.user._is_portal():
            # Buyers see what any company posted for them, as they see its rows.
            invoice = invoice.sudo()
            is_seen = invoice.exists().state == "posted"
        else:
            is_seen = invoice.exists() and invoice.has_access("read")
        is_billed = is_seen and invoice.move_type in ("out_invoice", "out_refund")
        if not is_billed or invoice.commercial_partner_id != partner:
            raise refuse(
                self.env,
                "invoice_id",
                self.env._("This invoice does not exist; open it from your invoices."),
            )
        return invoice

    @api.model
    def _get_buyers(self, partner, invoice):
        """Return those under whom the rows of a report were recorded; None for all
        rows of a document.

        Staff compare a document with all that is behind it. To a buyer it shows that
        buyer's rows, whomever it is addressed to.
        """
        if invoice and not self.env.user._is_portal():
            return None
        return partner and partner._get_lead_buyers()

    @api.model
    def _get_lead_types(self, buyers, invoice, lead_type_id=None):
        """Return the lead types of the buyers' rows, or of a document's, that the
        reader may see.

        :param buyers: see :meth:`_get_buyers`
        :param lead_type_id: look for this one only
        """
        source = get_source_sql(invoice)
        buyer = get_buyer_sql(buyers)
        if lead_type_id:
            # Has this buyer any transaction of this lead type, in all or on a document?
            query = SQL(
                "SELECT sale.lead_type_id FROM %s WHERE %s AND sale.lead_type_id = %s"
                " LIMIT 1",
                source,
                buyer,
                lead_type_id,
            )
        else:
            # Which lead types has this buyer transactions of?
            query = SQL(
                "SELECT DISTINCT sale.lead_type_id FROM %s WHERE %s", source, buyer
            )
        ids = [found for (found,) in self.env.execute_query(query)]
        lead_types = self.env["lead.type"].with_context(active_test=False)
        if self.env.user._is_portal():
            # Buyers have no access to lead types, but to what they bought.
            lead_types = lead_types.sudo()
        return lead_types.search([("id", "in", ids)])

    @api.model
    def _get_lead_type(self, lead_types, asked):
        """Return the one lead type that is reported on; empty for all of several.

        :param lead_types: those that the rows can be of
        :param asked: a :class:`~.params.ReportParams`
        """
        if asked.lead_type_id and not lead_types:
            raise refuse(
                self.env,
                "lead_type_id",
                self.env._(
                    "There are no leads of this type; choose one from the list."
                ),
            )
        # Of a document, whoever wants lead data chooses a type first.
        needs_one = asked.fields and not asked.invoice_id
        if len(lead_types) > 1 and not needs_one:
            return lead_types.browse()
        return lead_types[:1]

    @api.model
    def _get_company(self, invoice, lead_types):
        """Return the company in whose days and layout a report is: the one that sold
        the leads; where several did, the reader's, if it is among them."""
        # Which companies sold to a buyer is no secret to its readers.
        companies = invoice.sudo().company_id or lead_types.sudo().company_id
        if self.env.company in companies or not companies:
            return self.env.company
        return companies[0]

    @api.model
    def _get_zone(self, partner, company):
        """Return the time zone in which a company tells a buyer its days: that of the
        buyer's cycle, else the company's billing time zone."""
        # The zone is no secret; the reader need not see cycles for it.
        return get_zone(self.env, partner.sudo().with_company(company)._get_lead_tz())

    @api.model
    def _get_unbilled_day(self, buyers, lead_types, zone):
        """Return the day of the first transaction of these lead types that is unbilled;
        None without."""
        # Only which companies sold these types is read.
        companies = lead_types.sudo().company_id
        # When was the first of these sold?
        ((moment,),) = self.env.execute_query(
            SQL(
                """
                SELECT min(sale.date) FROM lead_sale sale
                 WHERE %s AND %s AND sale.lead_type_id = ANY(%s)
                """,
                get_buyer_sql(buyers),
                get_unbilled_sql(companies),
                lead_types.ids,
            )
        )
        return moment and to_wall(moment, zone).date()

    @api.model
    def _get_columns(self, report, digits):
        """Hook: return the columns of a report, in their order. Another addon adds its
        own to the list; page, screen and all files show them.

        :param report: an
            :class:`~odoo.addons.lead_invoicing.report.invoicing_report.InvoicingReport`
        :param int digits: decimal places of amounts
        :return: list of :class:`~odoo.addons.lead_invoicing.report.columns.Column`
        """
        return get_columns(
            self.env,
            report.tz,
            lead_data=[report.lead_data[name] for name in report.names],
            contents=report.contents,
            lead_types=report.lead_types if not report.lead_type else None,
            digits=digits,
        )

    @api.model
    def _get_days(self, cycle, zone, asked):
        """Return the first and the last day of the report, as asked for or by default.

        :param cycle: the buyer's, or an empty one
        :param zone: where the days begin and end
        """
        now = fields.Datetime.now()
        today = to_wall(now, zone).date()
        first, last = asked.date_from, asked.date_to
        if not first and not last:
            window = cycle and cycle._get_window(now)
            if window:
                first = local_day(self.env, window[0], cycle.tz)
            else:
                first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
            return first, today
        return first or last.replace(day=1), last or max(first, today)

    @api.model
    def _get_lead_data(self, lead_type):
        """Return {name: definition} of the lead data that the reader may see."""
        reader = self.env.user
        allowed = (
            self.env.su
            or reader._is_portal()
            or reader.has_group("lead_invoicing.group_lead_data")
        )
        return get_lead_data_fields(lead_type) if allowed else {}

    @api.model
    def _get_names(self, lead_data, names):
        """Return the chosen names of lead data, in the order of the lead type.

        :raises UserError: for a name that is not among them
        """
        if names is None:
            return list(lead_data)[:DEFAULT_FIELDS]
        for name in names:
            if name not in lead_data:
                raise refuse(
                    self.env,
                    "fields",
                    self.env._(
                        "“%s” is not among the lead data that you can choose here;"
                        " choose from the list.",
                        shorten(name),
                    ),
                )
        return [name for name in lead_data if name in names]

    # Files

    @api.model
    def _get_download_limit(self):
        """Return how many megabytes a file may have."""
        return self.env["ir.config_parameter"]._get_lead_number(
            "lead_invoicing.download_limit_mb", DOWNLOAD_LIMIT
        )

    @api.model
    def _get_downloads_directory(self):
        """Return where files are made, without what was left behind there."""
        directory = os.path.join(
            os.path.abspath(config.filestore(self.env.cr.dbname)),
            "lead_invoicing_downloads",
        )
        sweep(directory)
        return directory

    @api.autovacuum
    def _gc_downloads(self):
        self._get_downloads_directory()
