"""What a browser shows another way, or not at all, and says so to nobody: widgets that
are not there, and labels."""

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


def test_each_label_of_a_card_can_be_translated():
    # Odoo translates no attribute of that name: its value comes from a variable.
    labels = {
        (node.get("data-label"), path.name)
        for path in ROOT.glob("lead_invoicing*/**/*.xml")
        for node in etree.parse(path).iterfind(".//*[@data-label]")
    }
    assert labels == set()


def test_each_setting_has_a_label():
    # A setting takes its label from its first field; nobody sees one that is invisible.
    nameless = {
        (node.get("id"), path.name)
        for path in ROOT.glob("lead_invoicing*/**/*.xml")
        for node in etree.parse(path).iterfind(".//setting")
        if not node.get("string")
        and (field := node.find(".//field")) is not None
        and field.get("invisible") == "1"
    }
    assert nameless == set()
