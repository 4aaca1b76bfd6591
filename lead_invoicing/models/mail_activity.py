from odoo import api, fields, models
from odoo.fields import Domain

# The to-dos that Lead Invoicing raises.
ACTIVITY_TYPES = (
    "lead_invoicing.mail_activity_type_lead_invoicing",
    "lead_invoicing.mail_activity_type_lead_delivery",
    "lead_invoicing.mail_activity_type_lead_feed",
    "lead_invoicing.mail_activity_type_lead_books",
    "lead_invoicing.mail_activity_type_lead_dispute",
    "lead_invoicing.mail_activity_type_lead_reminder",
    "lead_invoicing.mail_activity_type_lead_balance",
)


class MailActivity(models.Model):
    """The exceptions of Lead Invoicing among the activities, each with a name that says
    what it is about."""

    _inherit = "mail.activity"

    # Buyers are mostly contacts of all companies; what is to be done there is of one.
    lead_company_id = fields.Many2one(
        "res.company", "Company", readonly=True, ondelete="cascade"
    )
    lead_exception = fields.Boolean(
        "Lead Invoicing Exception",
        compute="_compute_lead_exception",
        search="_search_lead_exception",
        help="Lead Invoicing needs a person here.",
    )

    @api.depends("activity_type_id", "lead_company_id")
    @api.depends_context("allowed_company_ids")
    def _compute_lead_exception(self):
        exceptions = self.filtered_domain(self._get_lead_exception_domain())
        for activity in self:
            activity.lead_exception = activity in exceptions

    def _search_lead_exception(self, operator, value):
        if operator != "in":
            return NotImplemented
        return self._get_lead_exception_domain()

    @api.model
    def _get_lead_exception_domain(self):
        """Return which activities are exceptions of the companies that the user is
        working in."""
        # Those from before companies were written down are of any.
        return Domain(
            "activity_type_id", "in", self._get_lead_exception_types().ids
        ) & Domain("lead_company_id", "in", [False, *self.env.companies.ids])

    @api.model
    def _get_lead_exception_type_names(self):
        """Hook: return the XML ids of the types of exceptions."""
        return list(ACTIVITY_TYPES)

    @api.model
    def _get_lead_exception_types(self):
        """Return the activity types of exceptions, as far as nobody deleted them."""
        types = self.env["mail.activity.type"]
        for name in self._get_lead_exception_type_names():
            types |= self.env.ref(name, raise_if_not_found=False) or types
        return types

    @api.depends("activity_type_id")
    def _compute_res_name(self):
        """Name documents with their buyers: a draft has no number yet."""
        types = self._get_lead_exception_types()
        on_documents = self.filtered(
            lambda activity: (
                activity.activity_type_id in types
                and activity.res_model == "account.move"
                and activity.res_id
            )
        )
        # The name of a document is told to whoever has the activity.
        moves = self.env["account.move"].sudo().browse(on_documents.mapped("res_id"))
        for activity, move in zip(on_documents, moves, strict=True):
            activity.res_name = move._get_lead_exception_name()
        return super(MailActivity, self - on_documents)._compute_res_name()
