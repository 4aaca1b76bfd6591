"""What the web client asks the server for, to show the screens of Lead Invoicing.

Read from the views themselves, so that a field that is added to one is asked for here.
"""

from collections import namedtuple

from lxml import etree

from odoo.tools.safe_eval import safe_eval

PAGE = 80
COUNT_LIMIT = 10_001
SUB_PAGE = 40
# What widgets read besides their own field.
DEPENDENCIES = {
    "list_activity": (
        "activity_exception_decoration",
        "activity_exception_icon",
        "activity_state",
        "activity_summary",
        "activity_type_icon",
        "activity_type_id",
    )
}
TAGS = {"many2many_tags", "many2many_tags_email"}

Call = namedtuple("Call", "model ids method values context")
Call.__doc__ = "A call of a method of records: its arguments by name, its context."


class WebClient:
    """A user's web client.

    :param env: the environment of the user
    """

    def __init__(self, env):
        self.env = env

    def run(self, call):
        """Do what the server does with a call, and return its answer."""
        records = self.env[call.model].with_context(**call.context)
        if call.ids:
            records = records.browse(call.ids)
        return getattr(records, call.method)(**call.values)

    def open_action(
        self, action, limit=PAGE, domain=(), groupby=None, mode="list", **context
    ):
        """Return the call that fills the first page of an action's list or kanban.

        :param action: XML id of a window action, or the action itself
        :param domain: what is searched for besides
        :param groupby: names of fields; by default what the action groups by
        :param context: what the action's context has besides
        """
        model, context, info, domain, groups = self._open(action, mode, domain, context)
        arch = etree.fromstring(info["views"][mode]["arch"])
        specification = self._get_specification(arch, info["models"], model)
        values = {"domain": domain, "limit": limit}
        if arch.get("default_order"):
            values["order"] = arch.get("default_order")
        groupby = groups if groupby is None else groupby
        if groupby:
            fields = info["models"][model]["fields"]
            values |= {
                "groupby": groupby,
                "aggregates": self._get_aggregates(specification, fields),
                "unfold_read_specification": specification,
            }
            return Call(model, [], "web_read_group", values, context)
        values |= {"specification": specification, "count_limit": COUNT_LIMIT}
        return Call(model, [], "web_search_read", values, context)

    def open_pivot(self, action):
        """Return the call that fills an action's pivot table."""
        model, context, info, domain, _groups = self._open(action, "pivot", (), {})
        arch = etree.fromstring(info["views"]["pivot"]["arch"])
        rows, columns = (
            [
                ":".join(filter(None, [node.get("name"), node.get("interval")]))
                for node in arch.xpath("./field[@type=$kind]", kind=kind)
            ]
            for kind in ("row", "col")
        )
        measures = dict.fromkeys(arch.xpath("./field[@type='measure']/@name"))
        values = {
            "domain": domain,
            "grouping_sets": [
                rows[:number] + columns[:other]
                for number in range(len(rows) + 1)
                for other in range(len(columns) + 1)
            ],
            "aggregates": [
                *self._get_aggregates(measures, info["models"][model]["fields"]),
                "__count",
            ],
        }
        return Call(model, [], "formatted_read_grouping_sets", values, context)

    def open_form(self, record, view=False):
        """Return the call that fills the form of a record.

        :param view: XML id of the form, by default the model's own
        """
        view_id = view and self.env.ref(view).id
        info = record.get_views([(view_id, "form")])
        arch = etree.fromstring(info["views"]["form"]["arch"])
        specification = self._get_specification(arch, info["models"], record._name)
        values = {"specification": specification}
        return Call(record._name, record.ids, "web_read", values, {})

    def _open(self, action, mode, domain, context):
        """Return an action's model, context, views, and what its default filters search
        for and group by."""
        if isinstance(action, str):
            action = self.env["ir.actions.act_window"]._for_xml_id(action)
        own_context = action["context"] or {}
        if isinstance(own_context, str):
            own_context = safe_eval(own_context, {"uid": self.env.uid})
        context = {**own_context, **context}
        views = {kind: id_ for id_, kind in action.get("views", ())}
        search_view = action.get("search_view_id") or [False]
        asked = [(views.get(mode), mode), (search_view[0], "search")]
        model = action["res_model"]
        info = self.env[model].with_context(**context).get_views(asked)
        search = etree.fromstring(info["views"]["search"]["arch"])
        domains = [list(domain), action["domain"] or []]
        groups = []
        for name in [name for name, value in context.items() if value]:
            path = "//filter[concat('search_default_', @name) = $name]"
            for node in search.xpath(path, name=name):
                domains.append(node.get("domain") or [])
                if node.get("context"):
                    groups.append(safe_eval(node.get("context"))["group_by"])
        return model, context, info, self._join(domains, context), groups

    def _join(self, domains, context):
        joined = []
        for domain in domains:
            if isinstance(domain, str):
                domain = safe_eval(domain, {"uid": self.env.uid, "context": context})
            joined += domain
        return joined

    def _get_specification(self, arch, models, model):
        """Return what `web_read` is asked for, for the fields of a view."""
        level = arch.xpath("count(ancestor::field)")
        specification = {}
        for node in arch.xpath(f".//field[count(ancestor::field) = {level}]"):
            name = node.get("name")
            field = models[model]["fields"][name]
            specification[name] = self._get_field_specification(node, field, models)
            for other in DEPENDENCIES.get(node.get("widget"), ()):
                specification.setdefault(other, {})
        return specification

    def _get_field_specification(self, node, field, models):
        if field["type"] in ("many2one", "reference"):
            return {"fields": {"display_name": {}}}
        if field["type"] not in ("one2many", "many2many"):
            return {}
        relation = field["relation"]
        if node.get("widget") in TAGS:
            return {"fields": {"display_name": {}}, "limit": SUB_PAGE}
        if sub_views := node.xpath("./list | ./kanban"):
            fields = self._get_specification(sub_views[0], models, relation)
            return {"fields": fields, "limit": SUB_PAGE}
        if node.get("mode"):
            info = self.env[relation].get_views([(False, "list")])
            arch = etree.fromstring(info["views"]["list"]["arch"])
            fields = self._get_specification(arch, info["models"], relation)
            return {"fields": fields, "limit": SUB_PAGE}
        return {}

    @staticmethod
    def _get_aggregates(specification, fields):
        aggregates = []
        for name in specification:
            field = fields[name]
            if not field.get("aggregator"):
                continue
            if field["type"] in ("integer", "float", "monetary"):
                aggregates.append(f"{name}:{field['aggregator']}")
            if currency := field.get("currency_field"):
                aggregates += [f"{currency}:array_agg_distinct", f"{name}:sum_currency"]
        return list(dict.fromkeys(aggregates))
