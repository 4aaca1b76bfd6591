import ast
import json

from odoo import api, fields, models
from odoo.tools import formatLang

from .overview import OverviewReader

# An action's filters and groups give way to what a card says.
SEARCH_DEFAULT = "search_default_"


class LeadOverviewCard(models.Model):
    """A card of the overview: something that needs a person, with its number and money,
    or a picture of how things go. Each opens the records behind it.

    Cards are data; addons bring more of them. What a card of a ``code`` tells is in
    ``_get_sources``, or in a method ``_get_<code>_figures`` of its own, which returns
    values of the computed fields.
    """

    _name = "lead.overview.card"
    _description = "Card of the Lead Invoicing Overview"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True, readonly=True)
    code = fields.Char(required=True, readonly=True)
    sequence = fields.Integer(readonly=True)
    kind = fields.Selection(
        [("tile", "Figure"), ("graph", "Graph"), ("table", "Table")],
        required=True,
        readonly=True,
        default="tile",
    )
    level = fields.Selection(
        [("danger", "Problem"), ("warning", "To do"), ("info", "To know")],
        required=True,
        readonly=True,
        default="warning",
        help="What it is while there is something; without anything, it is calm.",
    )
    text = fields.Char(
        translate=True, readonly=True, help="Says what to do, while there is something."
    )
    calm_text = fields.Char(
        translate=True, readonly=True, help="Says that there is nothing to do."
    )
    group_ids = fields.Many2many(
        "res.groups", string="Seen By", readonly=True, help="Everybody, if empty."
    )
    is_shown = fields.Boolean(
        compute="_compute_is_shown",
        search="_search_is_shown",
        help="Some cards are there only as long as they say something.",
    )
    figure_count = fields.Integer("Number", compute="_compute_figures")
    figure = fields.Char(compute="_compute_figures", help="The number, or a word.")
    amounts = fields.Char(
        compute="_compute_figures", help="Money per currency, which is never added up."
    )
    message = fields.Char(compute="_compute_figures")
    is_calm = fields.Boolean(compute="_compute_figures")
    graph = fields.Text(
        compute="_compute_figures",
        help="JSON: the type (line or bar), the labels, and a list of datasets with"
        " their label, values, these as texts, and stack.",
    )
    table = fields.Text(
        compute="_compute_figures",
        help="JSON: a list of rows with their name, text and amounts.",
    )

    _code_uniq = models.UniqueIndex("(code)", "There is one card of each code.")

    def _compute_is_shown(self):
        for card in self:
            card.is_shown = card._is_shown()

    @api.model
    def _search_is_shown(self, operator, value):
        if operator != "in":
            return NotImplemented
        # All of them: a dozen.
        cards = self.search(fields.Domain.TRUE).filtered(
            lambda card: card._is_shown() in value
        )
        return [("id", "in", cards.ids)]

    def _is_shown(self):
        """Tell whether this card belongs on the overview now."""
        self.ensure_one()
        return True

    @api.depends_context("allowed_company_ids", "lang", "uid")
    def _compute_figures(self):
        reader = OverviewReader(self.env)
        for card in self:
            card.update(
                {
                    "figure_count": 0,
                    "figure": False,
                    "amounts": False,
                    "message": card.text,
                    "is_calm": False,
                    "graph": False,
                    "table": False,
                    **card._get_figures(reader),
                }
            )

    def _get_figures(self, reader):
        """Return what this card shows, values of the computed fields."""
        own = getattr(self, f"_get_{self.code}_figures", None)
        return own(reader) if own else self._get_tile_figures(reader)

    def _get_tile_figures(self, reader):
        """Return the number and the money of what needs a person."""
        number, amounts = reader.read_source(self._get_sources(reader)[self.code])
        if money := self._get_money_sources(reader).get(self.code):
            _number, amounts = reader.read_source(money)
        return {
            "figure_count": number,
            "figure": self._format_number(number),
            "amounts": self._format_amounts(amounts),
            "message": self.text if number else self.calm_text,
            "is_calm": not number,
        }

    # What cards are counted from, and open

    @api.model
    def _get_sources(self, reader):
        """Return what each card is counted from, and opens, by its code.

        :param OverviewReader reader: knows which months are shown
        :rtype: dict[str, Source | UnbilledSource]
        """
        return {}

    @api.model
    def _get_money_sources(self, reader):
        """Return what the money of a card is summed from, and opens, by its code, where
        these are other records than those that are counted."""
        return {}

    # Actions

    def action_open(self):
        """Open the records behind the figure of this card."""
        self.ensure_one()
        reader = OverviewReader(self.env)
        own = getattr(self, f"_open_{self.code}", None)
        return own() if own else self._open(self._get_sources(reader)[self.code])

    def action_open_money(self):
        """Open the records behind the money of this card."""
        self.ensure_one()
        money = self._get_money_sources(OverviewReader(self.env)).get(self.code)
        return self._open(money) if money else self.action_open()

    def _open(self, source):
        """Return the action that opens a source's records."""
        action = self.env["ir.actions.act_window"]._for_xml_id(source.action)
        context = {
            name: value
            for name, value in ast.literal_eval(action["context"] or "{}").items()
            if not name.startswith(SEARCH_DEFAULT)
        }
        return {
            **action,
            "name": self.name,
            "display_name": self.name,
            "domain": list(source.domain),
            "context": {**context, **source.context},
        }

    # Words

    @api.model
    def _format_number(self, number):
        return formatLang(self.env, number, digits=0)

    @api.model
    def _format_amounts(self, amounts):
        """Return amounts of money, one for each currency, as text.

        :param amounts: list of (currency, amount)
        """
        return "; ".join(
            currency.format(amount)
            for currency, amount in sorted(
                amounts, key=lambda entry: (entry[0].name, entry[0].id)
            )
            if amount
        )

    @api.model
    def _dump(self, value):
        return json.dumps(value)
