"""Start the mail catcher, which runs beside the demonstration."""

import shutil
import subprocess
from collections import Counter
from pathlib import Path

from dev.environment.shell import Failure


class Catcher:
    """The mail catcher's process and the files it writes."""

    def __init__(self, environment, folder):
        self.environment = environment
        self.folder = folder
        self.process = None
        self.port = None

    def start(self, fresh=True):
        for name in ("mails", "pdf"):
            if fresh:
                shutil.rmtree(self.folder / name, ignore_errors=True)
        script = Path(__file__).parent / "mail_catcher.py"
        self.process = subprocess.Popen(
            [self.environment.python, script, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.port = self.process.stdout.readline().strip()
        if not self.port:
            raise Failure("the mail catcher could not be started.")

    def count(self, name):
        return sum(1 for _file in (self.folder / name).glob("*.*"))

    def find_twice(self):
        """Return the names of the PDF files that arrived more than once."""
        # The catcher puts the number of the mail before the name.
        names = Counter(
            file.name.partition("-")[2] for file in (self.folder / "pdf").glob("*.pdf")
        )
        return sorted(name for name, count in names.items() if count > 1)

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(10)
            self.process = None
