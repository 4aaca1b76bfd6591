"""The small decisions that the commands make."""

import re
import subprocess
from datetime import datetime

import pytest

from dev.commands.indent import indented
from dev.commands.test import Results
from dev.environment import clock
from dev.environment.clock import Moment
from dev.environment.odoo import find_odoo
from dev.environment.provision import Environment
from dev.environment.shell import Failure


def make_odoo(directory, series="19, 0, 0"):
    (directory / "odoo/addons").mkdir(parents=True)
    (directory / "addons").mkdir()
    (directory / "odoo-bin").touch()
    release = directory / "odoo/release.py"
    release.write_text(f"version_info = ({series}, FINAL, 0, '')\n")


def test_a_source_checkout_is_found_by_its_directory_and_its_script(tmp_path):
    make_odoo(tmp_path)
    for path in (tmp_path, tmp_path / "odoo-bin"):
        odoo = find_odoo(path)
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
        odoo = find_odoo(path)
        assert (odoo.script, odoo.root) == (script, package)


def test_another_version_of_odoo_is_refused(tmp_path):
    make_odoo(tmp_path, "18, 0, 0")
    with pytest.raises(Failure, match="is not version"):
        find_odoo(tmp_path)


def test_a_place_without_odoo_is_refused(tmp_path):
    with pytest.raises(Failure, match="There is no Odoo"):
        find_odoo(tmp_path)


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
        indented(text)
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


def test_a_moment_is_utc_unless_it_says_otherwise(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    moment = Moment.parse("2026-12-31T23:50")
    assert moment == (datetime(2026, 12, 31, 23, 50), "Asia/Kolkata")
    assert Moment.parse("2026-12-31T23:50Z").utc == moment.utc
    assert Moment.parse("2027-01-01 01:50+02:00").utc == moment.utc
    with pytest.raises(Failure, match="is no moment"):
        Moment.parse("tomorrow")


def test_a_moment_that_was_drawn_can_be_repeated(monkeypatch):
    for _number in range(50):
        moment = Moment.draw()
        assert 2026 <= moment.utc.year <= 2035
        zone, command = ["", *str(moment).split("bin/test --at ")][-2:]
        monkeypatch.setenv("TZ", zone.strip().removeprefix("TZ="))
        assert Moment.parse(command) == moment


def test_programs_and_postgresql_share_the_faked_clock(monkeypatch):
    moment = Moment(datetime(2031, 5, 6, 12), "Pacific/Auckland")
    monkeypatch.delenv("PGHOST", raising=False)  # bin/test sets it, for Odoo
    environment = Environment()
    if not environment.postgres.exists():
        pytest.skip("the PostgreSQL in use is not ours, and has a clock of its own")
    with clock.faked(environment, moment) as there:
        variables = there.variables()
        command = ["date", "--utc", "+%Y-%m-%d %H:%M"]
        script = "import datetime as d; print(d.datetime.now(d.timezone.utc))"
        told = [
            subprocess.check_output(command, env=variables, text=True),
            subprocess.check_output(
                [there.python, "-c", script], env=variables, text=True
            ),
            there.postgres.execute("SELECT now() AT TIME ZONE 'UTC'"),
        ]
        assert all(text.startswith("2031-05-06 12:0") for text in told), told
        # The zone of the machine is PostgreSQL's as well.
        assert there.postgres.execute("SHOW timezone") == "Pacific/Auckland"
        directory = there.postgres.directory
        assert directory.exists()
    assert not directory.exists()


def test_a_part_that_fails_fails_the_whole(capsys):
    results = Results()
    results.add("tests", (1, {"passed": 5, "failed": 1, "skipped": 0}))
    results.add("later", (0, {"passed": 2, "failed": 0, "skipped": 1}))
    assert results.tell() == 1
    *_lines, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"=+ 7 passed, 1 failed, 1 skipped in [\d.]+s =+", last)
