"""What always holds for cycles and runs: windows tile, nothing is forgotten, and all is
of one company.
"""

from odoo.tools.translate import LazyTranslate

from .books_rules import PATIENCE, Rule

_lt = LazyTranslate(__name__)

RUN_RULES = [
    # Windows tile
    Rule(
        "window_order",
        "lead.invoice.run",
        _lt(
            "Runs have a billing period that ends before it starts. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT id FROM lead_invoice_run
         WHERE company_id = ANY(%(companies)s) AND window_start >= window_end
        """,
    ),
    Rule(
        "windows_overlap",
        "lead.invoice.run",
        _lt(
            "Runs of one billing cycle have overlapping billing periods. Tell your"
            " administrator: something changed the data without using Lead Invoicing."
        ),
        """
        SELECT later.id
          FROM lead_invoice_run later
         WHERE later.company_id = ANY(%(companies)s) AND EXISTS (
               SELECT FROM lead_invoice_run earlier
                WHERE earlier.cycle_id = later.cycle_id
                  AND earlier.id != later.id
                  AND earlier.window_end <= later.window_end
                  AND earlier.window_start < earlier.window_end
                  AND earlier.window_end > later.window_start)
        """,
    ),
    Rule(
        "cycle_overdue",
        "lead.billing.cycle",
        _lt(
            "Billing cycles have been due for days, and no invoices have been created."
            " Make sure that the scheduled action “Lead Invoicing: generate invoices”"
            " is active and running."
        ),
        f"""
        SELECT cycle.id
          FROM lead_billing_cycle cycle
         WHERE cycle.company_id = ANY(%(companies)s)
           AND (cycle.frequency = 'manual' AND cycle.next_generation_at IS NOT NULL
                OR cycle.active
                   AND cycle.next_generation_at < %(now)s - interval '{PATIENCE}'
                   AND NOT EXISTS (
                       SELECT FROM lead_invoice_run run
                        WHERE run.cycle_id = cycle.id
                          AND run.state IN ('running', 'stopped')))
        """,
    ),
    # Nothing is forgotten
    Rule(
        "unbilled_without_reason",
        "lead.sale",
        _lt(
            "Transactions wait to be billed, and Unbilled does not show them. Create an"
            " invoice for their buyers manually."
        ),
        """
        SELECT id FROM lead_sale
         WHERE company_id = ANY(%(companies)s)
           AND %(unbilled)s
        EXCEPT
        SELECT id FROM (%(waiting)s) waiting WHERE reason IS NOT NULL
        """,
    ),
    Rule(
        "forgotten",
        "lead.sale",
        _lt(
            "Transactions should have been billed by a run that did not include their"
            " buyers. They go on the next document; if not, create an invoice for"
            " their buyers manually."
        ),
        # Only what no run ever looked at, though one came after it was recorded, and
        # nothing has changed since about its buyer: all else may rightly wait.
        """
        SELECT waiting.id
          FROM (%(waiting)s) waiting
          JOIN lead_sale sale ON sale.id = waiting.id
          JOIN res_partner buyer ON buyer.id = waiting.partner_id
          JOIN LATERAL (
               SELECT run.*
                 FROM lead_invoice_run run
                WHERE run.cycle_id = waiting.cycle_id
                  AND run.state IN ('done', 'failed')
                  AND run.window_start IS NOT NULL
                ORDER BY run.window_end DESC
                LIMIT 1) run ON TRUE
          JOIN res_company company ON company.id = sale.company_id
         WHERE waiting.reason = 'window'
           AND sale.date < run.window_end
           AND (run.include_earlier OR sale.date >= run.window_start)
           AND sale.create_date < run.create_date
           AND buyer.write_date < run.create_date
           AND company.write_date < run.create_date
           AND NOT EXISTS (
               SELECT FROM lead_sale_waiver waiver WHERE waiver.sale_id = sale.id)
           AND NOT EXISTS (
               SELECT FROM lead_invoice_run_buyer item
                WHERE item.partner_id = waiting.partner_id
                  AND item.company_id = sale.company_id
                  AND item.window_end > sale.date)
        """,
    ),
    Rule(
        "work_left",
        "lead.invoice.run.buyer",
        _lt(
            "Buyers are still to be invoiced by runs that are closed. The scheduled"
            " action “Lead Invoicing: generate invoices” invoices them: make sure that"
            " it is running."
        ),
        """
        SELECT item.id
          FROM lead_invoice_run_buyer item
          JOIN lead_invoice_run run ON run.id = item.run_id
         WHERE item.company_id = ANY(%(companies)s)
           AND item.state = 'todo' AND run.state IN ('done', 'failed')
        """,
    ),
    Rule(
        "run_state",
        "lead.invoice.run",
        _lt(
            "Runs are open with nothing left to do, or their state does not show their"
            " failures. Retry them."
        ),
        """
        SELECT run.id
          FROM lead_invoice_run run
          LEFT JOIN (
               SELECT run_id, bool_or(state = 'todo') AS todo,
                      bool_or(state = 'failed') AS failed
                 FROM lead_invoice_run_buyer
                GROUP BY run_id) item ON item.run_id = run.id
         WHERE run.company_id = ANY(%(companies)s)
           AND (run.state = 'running' AND item.todo IS NOT TRUE
                OR run.state = 'done' AND item.failed
                OR run.state = 'failed' AND item.failed IS NOT TRUE
                   AND item.todo IS NOT TRUE)
        """,
    ),
    Rule(
        "silent_failure",
        "lead.invoice.run.buyer",
        _lt(
            "Buyers could not be invoiced, and nobody was notified: there is no"
            " reason, or no activity. Retry them."
        ),
        """
        SELECT item.id
          FROM lead_invoice_run_buyer item
         WHERE item.company_id = ANY(%(companies)s) AND item.state = 'failed'
           AND (COALESCE(item.message, '') = '' OR NOT EXISTS (
                SELECT FROM mail_activity activity
                 WHERE activity.res_model = 'res.partner'
                   AND activity.res_id = item.partner_id))
        """,
    ),
    Rule(
        "silent_stop",
        "lead.invoice.run",
        _lt("Runs are stopped without a reason. Retry them."),
        """
        SELECT id FROM lead_invoice_run
         WHERE company_id = ANY(%(companies)s)
           AND state = 'stopped' AND COALESCE(message, '') = ''
        """,
    ),
    # Companies
    Rule(
        "company_of_transaction",
        "lead.sale",
        _lt(
            "Transactions belong to a different company than their lead type. Tell"
            " your administrator: something changed the data without using Lead"
            " Invoicing."
        ),
        """
        SELECT sale.id
          FROM lead_sale sale
          JOIN lead_type ON lead_type.id = sale.lead_type_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND lead_type.company_id != sale.company_id
        """,
    ),
    Rule(
        "company_of_record",
        "lead.sale",
        _lt(
            "Records of transactions (releases, waivers, documents that are no longer"
            " posted) belong to a different company. Tell your administrator:"
            " something changed the data without using Lead Invoicing."
        ),
        """
        SELECT DISTINCT sale.id
          FROM (SELECT sale_id, company_id FROM lead_sale_release
                 UNION ALL SELECT sale_id, company_id FROM lead_sale_waiver
                 UNION ALL SELECT sale_id, company_id FROM lead_sale_past_billing) note
          JOIN lead_sale sale ON sale.id = note.sale_id
         WHERE sale.company_id = ANY(%(companies)s)
           AND note.company_id != sale.company_id
        """,
    ),
    Rule(
        "company_of_run",
        "lead.invoice.run",
        _lt(
            "Runs belong to a different company than their billing cycle or their"
            " buyers' work items. Tell your administrator: something changed the data"
            " without using Lead Invoicing."
        ),
        """
        SELECT run.id
          FROM lead_invoice_run run
          JOIN lead_billing_cycle cycle ON cycle.id = run.cycle_id
         WHERE run.company_id = ANY(%(companies)s)
           AND cycle.company_id != run.company_id
         UNION
        SELECT run.id
          FROM lead_invoice_run_buyer item
          JOIN lead_invoice_run run ON run.id = item.run_id
         WHERE run.company_id = ANY(%(companies)s)
           AND (item.company_id != run.company_id
                OR item.window_end IS DISTINCT FROM run.window_end)
        """,
    ),
    Rule(
        "company_of_cycle",
        "lead.billing.cycle",
        _lt(
            "Billing cycles are assigned to companies, or to buyers of companies, that"
            " they do not belong to. Choose other cycles there."
        ),
        """
        SELECT cycle.id
          FROM res_company company
          JOIN lead_billing_cycle cycle ON cycle.id = company.lead_billing_cycle_id
         WHERE company.id = ANY(%(companies)s) AND cycle.company_id != company.id
         UNION
        SELECT cycle.id
          FROM res_partner partner
         CROSS JOIN jsonb_each_text(partner.lead_billing_cycle_id) AS own(company, id)
          JOIN res_company company
            ON company.id = ANY(%(companies)s) AND company.id::text = own.company
          JOIN lead_billing_cycle cycle ON cycle.id::text = own.id
         WHERE cycle.company_id != company.id
        """,
    ),
]
