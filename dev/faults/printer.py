"""wkhtmltopdf as it is, or hanging, or crashing: a script in front of the real one."""

import shutil
import subprocess

SCRIPT = """#!/bin/sh
# Odoo asks for the version once, and remembers it.
[ "$1" = --version ] && exec '{real}' "$@"
echo x >> '{folder}/calls'
case "$(cat '{folder}/mode')" in
    hang) echo $$ >> '{folder}/hanging'; exec sleep 3600 ;;
    crash) kill -SEGV $$ ;;
    stumble)
        [ $(($(wc -l < '{folder}/calls') % 2)) = 1 ] && kill -SEGV $$
        exec '{real}' "$@" ;;
    *) exec '{real}' "$@" ;;
esac
"""


class Printer:
    """Stands before the real program on the PATH of a server."""

    def __init__(self, environment, folder):
        self.folder = folder / "printer"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        path = environment.variables()["PATH"]
        script = self.folder / "wkhtmltopdf"
        real = shutil.which("wkhtmltopdf", path=path)
        script.write_text(SCRIPT.format(real=real, folder=self.folder))
        script.chmod(0o755)
        self.mode = "print"

    @property
    def calls(self):
        """How often it was asked to print."""
        file = self.folder / "calls"
        return file.stat().st_size // 2 if file.exists() else 0

    @property
    def mode(self):
        return (self.folder / "mode").read_text()

    @mode.setter
    def mode(self, mode):
        (self.folder / "mode").write_text(mode)

    def end_hanging(self):
        """End the calls that hang."""
        file = self.folder / "hanging"
        if file.exists():
            subprocess.run(
                ["kill", *file.read_text().split()], check=False, capture_output=True
            )
            file.unlink()
