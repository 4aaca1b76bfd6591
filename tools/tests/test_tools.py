"""The small decisions that the commands make."""

import pytest

from tools.lint import _indented
from tools.provision import Environment, _find_odoo
from tools.shell import Failure


def make_odoo(directory, series="19, 0, 0"):
    (directory / "odoo/addons").mkdir(parents=True)
    (directory / "addons").mkdir()
    (directory / "odoo-bin").touch()
    release = directory / "odoo/release.py"
    release.write_text(f"version_info = ({series}, FINAL, 0, '')\n")


def test_a_source_checkout_is_found_by_its_directory_and_its_script(tmp_path):
    make_odoo(tmp_path)
    for path in (tmp_path, tmp_path / "odoo-bin"):
        odoo = _find_odoo(path)
        assert odoo.script == tmp_path / "odoo-bin"
        assert odoo.root == tmp_path
        assert odoo.addons == [tmp_path / "addons", tmp_path / "odoo/addons"]


def test_an_installed_package_is_found_by_its_directory_and_its_script(tmp_path):
    package = tmp_path / "usr/lib/python3/dist-packages"
    make_odoo(package)
    (package / "odoo-bin").unlink()
    script = tmp_path / "usr/bin/odoo"
    script.parent.mkdir()
    script.touch()
    for path in (package, script):
        odoo = _find_odoo(path)
        assert (odoo.script, odoo.root) == (script, package)


def test_another_version_of_odoo_is_refused(tmp_path):
    make_odoo(tmp_path, "18, 0, 0")
    with pytest.raises(Failure, match="is not version"):
        _find_odoo(tmp_path)


def test_a_place_without_odoo_is_refused(tmp_path):
    with pytest.raises(Failure, match="There is no Odoo"):
        _find_odoo(tmp_path)


def test_database_names_differ():
    names = {Environment.new_database_name("test") for _ in range(20)}
    assert len(names) == 20


def test_tags_are_indented_by_their_depth_and_attributes_move_along():
    text = """<odoo>
    <record id="a"
            model="b">
        <field name="code">
    x = 1
</field><empty
            a="1 > 0"
        />
        <pre>
    <b/>
</pre>
    </record>
</odoo>
"""
    assert (
        _indented(text)
        == """<odoo>
  <record id="a"
          model="b">
    <field name="code">
    x = 1
    </field><empty
            a="1 > 0"
        />
    <pre>
    <b/>
    </pre>
  </record>
</odoo>
"""
    )
