"""Packages from the machine's own Debian mirror."""

import contextlib
import os
import shutil
import time
from pathlib import Path

from dev.environment.shell import Failure, as_root, run

LISTS = Path("/var/lib/apt/lists")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


ADVICE = "See that apt reaches its mirror, then run this again."


class Apt:
    """The machine's apt, with everything it prints in a log file."""

    def __init__(self, log):
        self.log = log

    def install(self, packages):
        """Install packages, with fresh lists if the machine's are old or not enough."""
        names = " ".join(packages)
        if not shutil.which("apt-get"):
            raise Failure(f"Install {names} (as Debian calls them), then run it again.")
        command = ["install", "-qy", "--no-install-recommends", *packages]
        failing = f"Debian's packages {names} could not be installed"
        if not self._lists_are_fresh():
            self._update()
        with self._no_default_cluster():
            try:
                self._as_root(command, failing)
            except Failure:
                self._update()
                self._as_root(command, failing)

    def version(self, package, options=()):
        """Return the version of a package that apt would take, or an empty string."""
        shown = run(
            ["apt-cache", *options, "show", "--no-all-versions", package],
            f"Debian's mirror does not know the package {package}",
            self.log,
        )
        lines = [line for line in shown.splitlines() if line.startswith("Version: ")]
        return lines[0].partition(" ")[2] if lines else ""

    def download(self, packages, directory, options=()):
        """Download packages, checked against the signed lists, and return the files."""
        directory.mkdir(parents=True, exist_ok=True)
        run(
            ["apt-get", "-q", *options, "download", *packages],
            f"Debian's packages {' '.join(packages)} could not be downloaded",
            self.log,
            ADVICE,
            cwd=directory,
        )
        return [max(directory.glob(f"{name}_*.deb")) for name in packages]

    def suite(self, name, directory):
        """Return apt options that see one suite alone, in a state of their own.

        The machine's own lists and packages stay as they are; what is downloaded is
        verified with Debian's archive keys as always.
        """
        if not KEYRING.exists():
            self.install(["debian-archive-keyring"])
        for part in ("lists/partial", "cache/archives/partial"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        source = f"deb [signed-by={KEYRING}] {self._mirror()} {name} main\n"
        (directory / "sources.list").write_text(source)
        (directory / "status").touch()
        settings = {
            "Dir::Etc::SourceList": directory / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State::Lists": directory / "lists",
            "Dir::State::Status": directory / "status",
            "Dir::Cache": directory / "cache",
            "Acquire::Languages": "none",
        }
        if os.geteuid() == 0:
            # The unprivileged downloader cannot write into directories of ours.
            settings["APT::Sandbox::User"] = "root"
        options = [f"-o{key}={value}" for key, value in settings.items()]
        run(
            ["apt-get", "-q", *options, "update"],
            f"The lists of Debian's suite {name} could not be fetched",
            self.log,
            ADVICE,
        )
        return options

    def _mirror(self):
        """Return the address this machine takes Debian's packages from."""
        ask = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
        ask += ["Created-By: Packages", "Label: Debian"]
        failing = "apt could not tell where it takes packages from"
        mirrors = run(ask, failing, self.log).split()
        if not mirrors:
            self._update()
            mirrors = run(ask, failing, self.log).split()
        if not mirrors:
            raise Failure(
                "This machine has no Debian mirror to take Odoo 19 from; set"
                " LEAD_INVOICING_ODOO to an Odoo 19 that is already here."
            )
        return mirrors[0]

    def _lists_are_fresh(self):
        times = [path.stat().st_mtime for path in LISTS.glob("*Packages*")]
        return bool(times) and time.time() - max(times) < 24 * 3600

    def _update(self):
        self._as_root(["update", "-q"], "Debian's package lists could not be fetched")

    def _as_root(self, arguments, failing):
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        command = as_root([*apt, "-oDPkg::Lock::Timeout=600", *arguments])
        if command is None:
            raise Failure(
                f"{failing}: that takes root, or sudo without a password;"
                f" run 'apt-get {' '.join(arguments)}' as root, then run this again."
            )
        run(command, failing, self.log, ADVICE)

    @contextlib.contextmanager
    def _no_default_cluster(self):
        """Keep Debian's PostgreSQL from starting a cluster that nobody here uses."""
        setting = "/etc/postgresql-common/createcluster.d/lead-invoicing.conf"
        script = 'mkdir -p "${1%/*}" && echo "create_main_cluster = false" > "$1"'
        failing = "Debian's default database cluster could not be refused"
        if command := as_root(["sh", "-c", script, "sh", setting]):
            run(command, failing, self.log)
        try:
            yield
        finally:
            if command := as_root(["rm", "-f", setting]):
                run(command, failing, self.log)
