"""Tell nobody of emails that failed long ago."""


def migrate(cr, version):
    cr.execute("UPDATE mail_mail SET lead_told = TRUE WHERE state = 'exception'")
