from odoo.tests import tagged

from .common.lives_world import LivesCommon


@tagged("post_install", "-at_install")
class TestLives(LivesCommon):
    """Thousands of random steps; after each, all that always holds."""

    def test_lives(self):
        self.assert_all_lives()
