"""Each room of an addon names only rooms below it, as `docs/architecture.md` says."""

import ast
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADDONS = sorted(manifest.parent for manifest in ROOT.glob("*/__manifest__.py"))
NAMES = "|".join(addon.name for addon in ADDONS)
# From the ground up; the last two stand side by side.
FLOORS = {
    "tools": 0,
    "recording": 1,
    "models": 2,
    "report": 3,
    "wizard": 4,
    "controllers": 4,
}
# What another program is told: Odoo's import reads a file for this model; nothing of
# the model is called.
NO_CALLS = {("lists", "lead.sale")}
ROOMS = sorted(
    path
    for addon in ADDONS
    for floor in FLOORS
    for path in (addon / floor).glob("*.py")
    if path.name != "__init__.py"
)


def get_floor(path):
    return path.parent.name


def get_addon(path):
    return path.parent.parent.name


def get_imports(path):
    """Return the rooms that a room imports, as (folder, module) of an addon."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = (node.module or "").split(".") if node.module else []
            folder = get_floor(path) if node.level == 1 else parts.pop(0)
            names = parts[:1] or [alias.name for alias in node.names]
            found += [(folder, name) for name in names]
        elif isinstance(node, ast.ImportFrom):
            pattern = rf"odoo\.addons\.({NAMES})\.(\w+)\.?(\w*)"
            if match := re.match(pattern, node.module or ""):
                addon, folder, name = match.groups()
                assert addon != get_addon(path), f"{path}: import {name} relatively"
                found.append((folder, name))
    return found


def get_classes(path):
    """Return the model classes of a room: (class, names it has, names it extends)."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.ClassDef):
            continue
        values = {
            statement.targets[0].id: ast.literal_eval(statement.value)
            for statement in node.body
            if isinstance(statement, ast.Assign)
            and statement.targets[0].id in ("_name", "_inherit")
        }
        if values.get("_name") or values.get("_inherit"):
            found.append((node, values.get("_name"), values.get("_inherit")))
    return found


MODELS = {
    name: get_floor(path)
    for path in ROOMS
    for _class, name, _inherit in get_classes(path)
    if name
}


def get_records():
    """Return {XML id: floor} of what the XML files on the floors define; views and data
    stand on none."""
    return {
        f"{addon.name}.{element.get('id')}": floor
        for addon in ADDONS
        for floor in FLOORS
        for file in (addon / floor).glob("*.xml")
        for element in ET.parse(file).getroot().iter()
        if element.tag in ("record", "template", "menuitem")
    }


RECORDS = get_records()


def get_texts(path):
    """Return the texts of a room, each as a whole."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize(
    "path", ROOMS, ids=lambda path: "/".join([*path.parts[-3:-1], path.stem])
)
def test_a_room_names_only_rooms_below(path):
    """What it imports; and models and records, wherever it names one in a text: in
    `env[…]`, as the model of a field or an action, in `env.ref(…)`."""
    own = FLOORS[get_floor(path)]
    for folder, name in get_imports(path):
        assert folder in FLOORS, f"{folder}.{name} is on no floor"
        assert folder == get_floor(path) or FLOORS[folder] < own, f"{folder}.{name}"
    defined = {**MODELS, **RECORDS}
    for name in get_texts(path) & defined.keys():
        if (path.stem, name) not in NO_CALLS:
            assert own >= FLOORS[defined[name]], f"{name} is of {defined[name]}"


def test_what_the_texts_of_a_room_are_compared_with_is_found():
    assert MODELS["lead.sale"] == "models"
    assert MODELS["lead.setup"] == "wizard"
    assert RECORDS["lead_invoicing.action_lead_setup"] == "wizard"
    assert RECORDS["lead_invoicing.action_report_top_up"] == "report"


def test_tools_know_no_model():
    for path in (path for path in ROOMS if get_floor(path) == "tools"):
        assert not get_classes(path), path
        assert not re.search(r'env\["lead\.', path.read_text()), path


def test_what_a_higher_floor_adds_to_a_model_is_not_called_from_below():
    """Methods that are defined on one floor only, with `_inherit`."""
    methods = {}
    for path in ROOMS:
        for node, _name, _inherit in get_classes(path):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and "lead" in item.name:
                    methods.setdefault(item.name, set()).add(get_floor(path))
    for path in ROOMS:
        own = FLOORS[get_floor(path)]
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        for name in called & methods.keys():
            lowest = min(FLOORS[floor] for floor in methods[name])
            assert lowest <= own, f"{path}: {name} is of a higher floor"


@pytest.mark.parametrize("addon", ADDONS, ids=lambda addon: addon.name)
@pytest.mark.parametrize("floor", ["models", "report"])
def test_rooms_are_listed_in_the_order_in_which_they_are_loaded(addon, floor):
    """The order in `__init__` is that of `super()`; an import of a later room would
    load it earlier."""
    text = (addon / floor / "__init__.py").read_text()
    rooms = [path for path in ROOMS if path.parent == addon / floor]
    listed = re.findall(r"^from \. import (\w+)$", text, re.M)
    files = {path.stem for path in rooms}
    models = {path.stem for path in rooms if get_classes(path)}
    assert set(listed) == models
    assert models <= files
    for place, name in enumerate(listed):
        for folder, other in get_imports(addon / floor / f"{name}.py"):
            if folder == floor and other in listed:
                assert listed.index(other) < place, f"{name} imports {other}"


def test_each_file_has_one_class_of_a_model():
    for path in ROOMS:
        classes = get_classes(path)
        names = [node.name for node, _name, _inherit in classes]
        # A dialog may bring the lines of its list along.
        assert len(classes) <= (2 if get_floor(path) == "wizard" else 1), (path, names)
