"""Development code: `bin/` starts it, the addon knows nothing of it.

- `environment`: Odoo, PostgreSQL and the rest, provisioned
- `commands`: what `bin/` names
- `acceptance`: a year and a half of sales, billed and compared with sums made apart
- `stress`: kills, races, scale, and what is measured
- `faults`: what can break around real servers, broken
- `tests`: of all that, and of the addon from outside
"""
