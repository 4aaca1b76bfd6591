"""Downloads hold no more than their share: slots, lengths, limits, and cleaning up."""

import os
import re
import time
from contextlib import ExitStack
from unittest.mock import patch
from urllib.parse import urlencode

from odoo import http
from odoo.service.server import CommonRequestHandler, RequestHandler
from odoo.tests import HttpCase, tagged
from odoo.tools import config, mute_logger

from ..tools import downloads
from .common.report import NOVEMBER, ReportCommon

OWN = "/my/invoicing-report"
TYPES = ("csv", "xlsx", "pdf")


@tagged("post_install", "-at_install")
class TestDownloads(ReportCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.new_sale(lead_data={"first_name": "+12125550123"}, campaign="=1+1")
        self.env.flush_all()
        self.directory = self.env["lead.invoicing.report"]._get_downloads_directory()
        self.log_in(self.portal_user)

    def log_in(self, user):
        user.sudo().password = "a password for tests"
        self.env.flush_all()
        self.authenticate(user.sudo().login, "a password for tests")

    def get(self, file_type="csv", base=OWN, method="GET", **params):
        """Ask for a file. A write would be tried once more on the primary, with a
        warning: it fails the test."""
        query = urlencode({**NOVEMBER, "fields": "first_name", **params})
        with self.assertNoLogs("odoo.http", "WARNING"):
            return self.url_open(f"{base}/{file_type}?{query}", method=method)

    def hold_slots(self, number, user=None):
        stack = self.enterContext(ExitStack())
        for _slot in range(number):
            # The server lets go of one a moment after its reader has all.
            slot = self.wait_for(
                lambda: downloads.take_slot(
                    self.directory, (user or self.portal_user).id
                )
            )
            stack.push(slot)
        return stack

    def make_it_large(self):
        """Have more rows than fit into one MB, or into what a connection buffers."""
        self.new_sale(lead_data={"first_name": "x" * 9000})
        self.copy_sales(3000)

    def get_files(self):
        if not os.path.isdir(self.directory):
            return []
        return [f for f in os.listdir(self.directory) if not f.startswith("slot-")]

    def test_every_file_is_sent_with_its_length_and_leaves_nothing_behind(self):
        for file_type in TYPES:
            with self.subTest(file_type=file_type):
                response = self.get(file_type)
                self.assertEqual(response.status_code, 200)
                length = int(response.headers["Content-Length"])
                self.assertEqual(len(response.content), length)
                self.assertIn("no-store", response.headers["Cache-Control"])
        self.assertFalse(self.get_files())

    def test_plain_csv(self):
        response = self.get(plain=1)
        self.assertIn("-plain.csv", response.headers["Content-Disposition"])
        self.assertEqual(len(response.content), int(response.headers["Content-Length"]))
        header, line = response.text.splitlines()
        self.assertTrue(header.startswith("Date,"))
        self.assertIn(",=1+1,", line)
        self.assertIn("+12125550123", line)
        # It is asked for each time.
        self.assertIn(",'=1+1,", self.get().text)
        self.assertEqual(self.get(plain="0").text, self.get().text)
        response = self.get(plain="<b>")
        self.assertEqual(response.status_code, 400)
        self.assertIn("Plain CSV: ", response.text)
        page = self.url_open(f"{OWN}?{urlencode({**NOVEMBER, 'plain': 1})}").text
        self.assertEqual(page.count("plain=1"), 1, "only in the link to it")

    def test_two_at_a_time_and_the_next_waits(self):
        slots = self.hold_slots(2)
        response = self.get()
        self.assertEqual(response.status_code, 429)
        self.assertEqual(response.headers["Retry-After"], "30")
        self.assertIn("downloads are still in progress", response.text)
        slots.close()
        for _time in range(3):
            # A slot is let go a moment after its reader has everything.
            self.wait_for(lambda: self.get().status_code == 200)

    def test_nobody_waits_for_another(self):
        self.hold_slots(2, self.other_portal_user)
        self.hold_slots(1)
        self.assertEqual(self.get().status_code, 200)

    def test_employees_have_two_as_well(self):
        self.log_in(self.billing_user)
        own = {"base": "/lead-invoicing/report", "partner_id": self.buyer.id}
        own["fields"] = ""
        self.hold_slots(1, self.billing_user)
        self.assertEqual(self.get(**own).status_code, 200)
        self.hold_slots(1, self.billing_user)
        self.assertEqual(self.get(**own).status_code, 429)

    def test_a_reader_that_does_not_read_keeps_a_slot_until_it_goes(self):
        """A real server, whose reader takes the first bytes of a large file."""
        self.make_it_large()
        # In tests, Odoo's server lets go of a reader after five seconds: on a busy
        # machine the second file takes longer to make.
        self.patch(RequestHandler, "setup", CommonRequestHandler.setup)
        with ExitStack() as stack:
            for _reader in range(2):
                stack.callback(self.start_reading().close)
            self.assertEqual(self.get().status_code, 429)
            self.assertEqual(self.url_open("/web/login").status_code, 200)
            self.assertFalse(self.get_files(), "open, and gone when it is closed")
        self.wait_for(lambda: self.get().status_code == 200)

    def start_reading(self):
        """Ask for a file and read the head of the answer only."""
        query = urlencode({**NOVEMBER, "fields": "first_name"})
        response = self.opener.get(f"{self.base_url()}{OWN}/csv?{query}", stream=True)
        self.assertEqual(response.status_code, 200)
        return response

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not (result := condition()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        return result

    def test_a_file_has_a_limit(self):
        self.make_it_large()
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("lead_invoicing.download_limit_mb", "1")
        for plain in (0, 1):
            response = self.get(plain=plain)
            self.assertEqual(response.status_code, 400)
            self.assertIn("larger than 1 MB", response.text)
        self.assertFalse(self.get_files())
        # What is no number, or none to make files with, is left aside.
        for wrong in ("", "many", "0", "-1", "²"):
            parameters.set_param("lead_invoicing.download_limit_mb", wrong)
            self.wait_for(lambda: self.get().status_code == 200)

    def test_without_room_there_is_a_sentence(self):
        with (
            patch.object(downloads.os, "makedirs", side_effect=OSError(28, "full")),
            self.assertLogs("odoo.addons.lead_invoicing", "ERROR"),
        ):
            response = self.get()
        self.assertEqual(response.status_code, 503)
        self.assertIn("out of space", response.text)

    def test_nobody_reads_a_head(self):
        self.hold_slots(2)
        for file_type in TYPES:
            response = self.get(file_type, method="HEAD")
            self.assertEqual(response.status_code, 200)
            self.assertNotIn("Content-Length", response.headers)

    def test_a_proxy_sends_the_file(self):
        with patch.dict(config.options, x_sendfile=True):
            response = self.get()
        self.assertFalse(response.content)
        path = response.headers["X-Sendfile"]
        self.assertTrue(path.startswith(os.path.abspath(self.directory)))
        self.assertTrue(
            response.headers["X-Accel-Redirect"].startswith("/web/filestore/")
        )
        with open(path, encoding="utf-8") as file:
            self.assertIn("+12125550123", file.read())
        self.assertTrue(self.get_files())
        # By then it was sent.
        old = time.time() - downloads.MAX_AGE - 60
        os.utime(path, (old, old))
        self.env["lead.invoicing.report"]._gc_downloads()
        self.assertFalse(self.get_files())

    def test_what_is_held_is_not_swept(self):
        stack = self.hold_slots(1)
        path = os.path.join(self.directory, f"slot-{self.portal_user.id}-0")
        old = time.time() - downloads.MAX_AGE - 60
        os.utime(path, (old, old))
        downloads.sweep(self.directory)
        self.assertTrue(os.path.exists(path))
        stack.close()
        downloads.sweep(self.directory)
        self.assertFalse(os.path.exists(path))

    def test_an_address_that_asks_for_self(self):
        for path in (OWN, f"{OWN}/page/1", f"{OWN}/csv", "/lead-invoicing/report/csv"):
            for name in ("self", "cls", "args", "params", "endpoint", "file_type"):
                with self.subTest(path=path, name=name):
                    query = urlencode({**NOVEMBER, name: 1})
                    response = self.url_open(f"{path}?{query}")
                    self.assertIn(response.status_code, (200, 400, 403))

    def test_every_address_of_ours_leaves_self_out(self):
        token = http.Request.csrf_token(self)
        modules = list(self.env["ir.module.module"]._installed())
        tried = 0
        for address, endpoint in http._generate_routing_rules(modules, nodb_only=False):
            if not re.search("lead|return-requests|invoicing-report|dispute", address):
                continue  # one of Odoo's own
            # The first of several words, else a number.
            path = re.sub(
                r"<(?:any\('?([\w-]+)[^>]*|[^>]*)>", lambda m: m[1] or "1", address
            )
            methods = endpoint.routing.get("methods") or ["GET"]
            tried += 1
            with self.subTest(path=path, methods=methods), mute_logger("odoo.http"):
                if "GET" in methods:
                    response = self.url_open(f"{path}?self=1", allow_redirects=False)
                else:
                    data = {"csrf_token": token, "self": "1"}
                    response = self.url_open(path, data=data, allow_redirects=False)
                self.assertLess(response.status_code, 500)
        self.assertGreater(tried, 20)
