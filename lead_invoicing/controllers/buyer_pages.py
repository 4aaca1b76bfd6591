from odoo.exceptions import UserError
from odoo.http import request


class BuyerPages:
    """What the buyer's pages in the portal share: whose they are."""

    def _get_lead_buyer(self):
        """Return the buyer that a portal user belongs to, with all rights; None for
        who is no buyer's."""
        user = request.env.user
        if not user._is_portal():
            return None
        # Safe: it is the user's own commercial partner, and nobody else's.
        return user.partner_id.commercial_partner_id.sudo()

    def _require_lead_buyer(self):
        """Return the buyer that the user belongs to; for others there is no such page.

        :raises NotFound: for who is no buyer's
        """
        buyer = self._get_lead_buyer()
        if not buyer:
            raise request.not_found()
        return buyer

    def _get_last_lead_sale(self):
        """Return the buyer's last transaction, in any company."""
        # Safe: the ledger is closed to portal users; these are the buyer's own rows.
        sales = request.env["lead.sale"].sudo()
        buyer = self._get_lead_buyer()
        if not buyer:
            return sales
        domain = [("commercial_partner_id", "in", buyer._get_lead_buyers().ids)]
        return sales.search(domain, limit=1)

    def _has_lead_sales(self):
        """Return 1 where the user is a buyer of leads, else 0: to count them all takes
        long, and a card on the home page shows no number."""
        return len(self._get_last_lead_sale())

    def _open_leaving_out_errors(self, model, buyer, params):
        """Open what a page shows; return it, and {name: sentence} of the parameters
        that are not right.

        These are left out then, so that there is something to choose from again. There
        is nothing for whoever may not see any.

        :param model: with an ``_open`` for a buyer and parameters
        """
        params, errors = dict(params), {}
        while True:
            try:
                return model._open(buyer, params), errors
            except UserError as error:
                name = getattr(error, "param", None)
                if not name:
                    return None, {**errors, "": str(error)}
                del params[name]
                errors[name] = str(error)
