from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import format_date, formatLang

from ..tools.local_time import format_zoned_moment, get_zone_error
from .lead_unbilled import AGES
from .overview import Source, UnbilledSource

# So many cycles are listed, those whose run comes next.
MAX_CYCLES = 6


class LeadOverviewCard(models.Model):
    """How things go."""

    _inherit = "lead.overview.card"

    @api.model
    def _get_sources(self, reader):
        report = "account.invoice.report"
        return {
            **super()._get_sources(reader),
            "billed": Source(
                report,
                "lead_invoicing.action_lead_overview_billed",
                reader.billed_domain,
                amount="price_subtotal_currency",
            ),
            "returns": Source(
                report,
                "lead_invoicing.action_lead_overview_returns",
                reader.billed_domain,
            ),
            "unbilled": UnbilledSource(
                {}, action="lead_invoicing.action_lead_overview_unbilled"
            ),
            "next_runs": UnbilledSource(
                {"in_next_run": True}, {"search_default_group_cycle": 1}
            ),
        }

    # Billed per month by lead type

    def _get_billed_figures(self, reader):
        values, totals = defaultdict(dict), defaultdict(dict)
        for month, lead_type, currency, amount, _purchased, _returned in reader.billed:
            values[lead_type, currency][month] = amount
            totals[month][currency] = totals[month].get(currency, 0.0) + amount
        now, before = (
            self._format_amounts(totals[month].items())
            or self._format_amounts_of_none()
            for month in (reader.months[-1], reader.months[-2])
        )
        return {
            "graph": self._prepare_graph(
                [self._format_month(month) for month in reader.months],
                {
                    key: [by_month.get(month, 0.0) for month in reader.months]
                    for key, by_month in values.items()
                },
            ),
            "message": self.env._(
                "This month: %(now)s. Last month: %(before)s.", now=now, before=before
            )
            if values
            else self.calm_text,
            "is_calm": not values,
        }

    # Return rate per month

    def _get_returns_figures(self, reader):
        purchased, returned = defaultdict(int), defaultdict(int)
        for month, _lead_type, _currency, _amount, bought, back in reader.billed:
            purchased[month] += bought or 0
            returned[month] += back or 0
        rates = [
            100 * returned[month] / purchased[month] if purchased[month] else None
            for month in reader.months
        ]
        texts = [self._format_rate(rate) for rate in rates]
        return {
            "graph": self._dump(
                {
                    "type": "line",
                    "labels": [self._format_month(month) for month in reader.months],
                    "datasets": [
                        {
                            "label": self.env._("Return rate"),
                            "values": rates,
                            "texts": texts,
                            "stack": "",
                        }
                    ],
                }
            ),
            "message": self.env._(
                "This month: %(now)s. Last month: %(before)s.",
                now=texts[-1],
                before=texts[-2],
            )
            if any(purchased.values())
            else self.calm_text,
            "is_calm": not any(purchased.values()),
        }

    @api.model
    def _format_rate(self, rate):
        if rate is None:
            return self.env._("no leads")
        return self.env._("%s%%", formatLang(self.env, rate, digits=1))

    # Unbilled by age and reason

    def _get_unbilled_figures(self, reader):
        reasons = dict(
            self.env["lead.unbilled"]._fields["reason"]._description_selection(self.env)
        )
        ages = dict(
            self.env["lead.unbilled"]._fields["age"]._description_selection(self.env)
        )
        values = defaultdict(lambda: dict.fromkeys(dict(AGES), 0.0))
        for group in reader.unbilled:
            key = (group["reason"], group["currency_id"])
            values[key][group["age"]] += group["amount"]
        _number, amounts = reader.read_source(self._get_sources(reader)[self.code])
        # In the order of the reasons, so that each keeps its color.
        order = list(reasons)
        return {
            "graph": self._prepare_graph(
                list(ages.values()),
                {
                    (reasons[reason], currency): list(by_age.values())
                    for (reason, currency), by_age in sorted(
                        values.items(), key=lambda item: order.index(item[0][0])
                    )
                },
            ),
            "amounts": self._format_amounts(amounts),
            "message": self.text if values else self.calm_text,
            "is_calm": not values,
        }

    # The next runs

    def _get_next_runs_figures(self, reader):
        expected = defaultdict(list)
        for group in reader.unbilled:
            if group["in_next_run"]:
                expected[group["cycle_id"]].append(
                    (group["currency_id"], group["amount"])
                )
        cycles = self.env["lead.billing.cycle"].search(
            [("next_generation_at", "!=", False)], order="next_generation_at, id"
        )
        cycles = cycles[:MAX_CYCLES]
        names = self._get_names(cycles)
        _number, amounts = reader.read_source(self._get_sources(reader)[self.code])
        return {
            "table": self._dump(
                [
                    {
                        "name": names[cycle],
                        "text": self._format_next_run(cycle),
                        "amounts": self._format_amounts(self._add_up(expected[cycle]))
                        or self._format_amounts_of_none(),
                    }
                    for cycle in cycles
                ]
            ),
            "amounts": self._format_amounts(amounts),
            "message": self.text if cycles else self.calm_text,
            "is_calm": not cycles,
        }

    @api.model
    def _format_next_run(self, cycle):
        if error := get_zone_error(self.env, cycle.tz):
            return error
        if cycle.next_generation_at <= fields.Datetime.now():
            return self.env._("Any moment now")
        return format_zoned_moment(self.env, cycle.next_generation_at, cycle.tz)

    # Graphs

    @api.model
    def _prepare_graph(self, labels, values):
        """Return a graph of bars as JSON. Each currency has a stack of its own.

        :param labels: texts, one for each bar
        :param values: {(lead type or text, currency): list of amounts}
        """
        currencies = {currency for _name, currency in values}
        names = self._get_names(
            self.env["lead.type"].union(
                *(name for name, _currency in values if not isinstance(name, str))
            )
        )
        datasets = []
        for (name, currency), amounts in values.items():
            label = names.get(name, name)
            datasets.append(
                {
                    "label": f"{label} ({currency.name})"
                    if len(currencies) > 1
                    else label,
                    "values": amounts,
                    "texts": [currency.format(amount) for amount in amounts],
                    "stack": currency.name,
                }
            )
        return self._dump({"type": "bar", "labels": labels, "datasets": datasets})

    @api.model
    def _get_names(self, records):
        """Return {record: its name}, with its company where they are of several: these
        name their cycles and lead types alike."""
        if len(records.company_id) < 2:
            return {record: record.display_name for record in records}
        return {
            record: f"{record.display_name} ({record.company_id.name})"
            for record in records
        }

    @api.model
    def _format_month(self, month):
        return format_date(self.env, month, date_format="MMM yy")

    @api.model
    def _format_amounts_of_none(self):
        return self.env.company.currency_id.format(0.0)

    @api.model
    def _add_up(self, amounts):
        """Return amounts of the same currency as one: list of (currency, amount)."""
        totals = defaultdict(float)
        for currency, amount in amounts:
            totals[currency] += amount
        return list(totals.items())

    def _open(self, source):
        """Open what has money of several currencies as a table, which tells them
        apart: a graph would add them up."""
        action = super()._open(source)
        if self.kind == "graph" and source.amount and self._has_currencies(source):
            action["views"] = sorted(
                action["views"], key=lambda view: view[1] != "pivot"
            )
        return action

    @api.model
    def _has_currencies(self, source):
        groups = self.env[source.model]._read_group(source.domain, ["currency_id"])
        return len(groups) > 1
