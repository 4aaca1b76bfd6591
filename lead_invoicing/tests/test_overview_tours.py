"""The first screen of a clerk's day, in a real browser."""

from freezegun import freeze_time

from odoo.tests import tagged

from .common.tours import TourCommon

# Wednesday after the first run.
NOW = "2026-11-11 12:00"


@tagged("post_install", "-at_install")
class TestOverviewTour(TourCommon):
    browser_size = "1280x800"

    @freeze_time(NOW)
    def test_clerk_begins(self):
        self.start_tour("/odoo", "lead_invoicing_clerk_begins", login="tour_clerk")


@tagged("post_install", "-at_install", "long")
class TestOverviewPhoneTour(TourCommon):
    browser_size = "390x844"
    touch_enabled = True

    @freeze_time(NOW)
    def test_clerk_begins_on_a_phone(self):
        self.start_tour(
            "/odoo/lead-overview",
            "lead_invoicing_clerk_begins_on_a_phone",
            login="tour_clerk",
        )
