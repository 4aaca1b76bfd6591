import itertools
import re

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, remove_accents

from ..tools.parsing import fold
from ..tools.platform_code import PlatformCode
from ..tools.protected_fields import CompanyGuard

# So many characters of a name become its code: it stays readable, and can be numbered.
MAX_CODE = 60


class LeadReturnReason(PlatformCode, CompanyGuard, models.Model):
    """Why leads are returned, as a list to choose from and to count by.

    The platform and files go on sending a text; where it is the code or the name of one
    of these reasons, in any language and whatever its case, the return has it.
    """

    _name = "lead.return.reason"
    _description = "Reason for Returning a Lead"
    _order = "sequence, name, id"
    _rec_names_search = ["code", "name"]

    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        compute="_compute_code",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        help="The platform's name for this reason, unique per company.",
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )

    _code_company_uniq = models.UniqueIndex(
        "(company_id, lower(code))",
        "Another return reason of this company already has this code.",
    )

    @api.depends("name", "company_id")
    def _compute_code(self):
        """Propose a code where none was given: the name in plain letters, with a
        number where another reason of the company has it already."""
        for reason in self.filtered(lambda reason: reason.name and not reason.code):
            words = re.findall("[a-z0-9]+", remove_accents(reason.name).lower())
            # Of a name in another script nothing is left.
            code = "_".join(words)[:MAX_CODE].strip("_") or "reason"
            reason.code = reason._get_unused_code(code)

    def _get_unused_code(self, code):
        """Return the code, with a number if others have it: those that are stored, and
        those that are created beside this one."""
        beside = self.browse(self._prefetch_ids) - self
        # What has no code yet would ask for one here.
        beside = beside.filtered(lambda r: not r.id and "code" in r._cache)
        used = {(reason.code or "").lower() for reason in beside}
        others = self.with_context(active_test=False)
        for number in itertools.count(1):
            proposed = f"{code}_{number}" if number > 1 else code
            taken = [
                ("company_id", "=", self.company_id.id),
                ("code", "=ilike", proposed.replace("_", r"\_")),
                ("id", "!=", self._origin.id),
            ]
            if proposed not in used and not others.search_count(taken, limit=1):
                return proposed

    def _check_can_change_company(self):
        # Whether there is one, in whatever company, is all that is told.
        sales = self.env["lead.sale"].sudo()
        if sale := sales.search([("reason_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "The return reason %s is used by transactions, so its company"
                    " cannot be changed. Create one in the other company.",
                    sale.reason_id.display_name,
                )
            )

    @api.model
    def _get_words(self, company):
        """Return ``{word: id}`` of the active reasons of a company: their codes, and
        their names in all languages, as :func:`~..tools.parsing.fold` makes them. Codes
        come before names, then earlier reasons before later ones.
        """
        self.flush_model()
        # By which words are the reasons of this company known?
        rows = self.env.execute_query(
            SQL(
                """
                SELECT word.text, reason.id
                  FROM lead_return_reason reason
                 CROSS JOIN LATERAL (
                       SELECT reason.code AS text, 0 AS rank
                        UNION ALL
                       SELECT value, 1 FROM jsonb_each_text(reason.name)
                       ) word
                 WHERE reason.company_id = %s AND reason.active
                 ORDER BY word.rank DESC, reason.sequence DESC, reason.id DESC
                """,
                company.id,
            )
        )
        return {fold(text): id_ for text, id_ in rows}
