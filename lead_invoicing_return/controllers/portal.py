from odoo.http import Controller
