"""Each widget that a view names is there: a browser shows another one without it, and
says so to nobody."""

import re

from lxml import etree

from dev.environment.provision import ROOT, Environment

REGISTRY = re.compile(r'registry\s*\.category\("(?:fields|view_widgets)"\)')
ADDED = re.compile(r'\.add\(\s*"([^"]+)"')


def test_each_widget_of_a_view_is_there():
    environment = Environment()
    scripts = [
        script.read_text()
        for addons in [ROOT, *environment.odoo.addons]
        for script in addons.glob("*/static/src/**/*.js")
    ]
    there = {
        # A view may have its own: "list.many2one".
        name.rpartition(".")[2]
        for script in scripts
        if REGISTRY.search(script)
        for name in ADDED.findall(script)
    }
    assert "badge" in there
    views = [*ROOT.glob("lead_invoicing*/**/*.xml")]
    named = {
        (node.get("widget"), path.name)
        for path in views
        for node in etree.parse(path).iter("field", "widget")
        if node.get("widget")
    }
    assert named
    assert {(widget, path) for widget, path in named if widget not in there} == set()
