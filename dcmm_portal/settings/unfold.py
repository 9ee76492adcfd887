"""The admin's theme."""

from django.utils.translation import gettext_lazy as _

UNFOLD = {"SITE_TITLE": _("DCMM portal"), "SITE_HEADER": _("DCMM portal"), "SITE_SYMBOL": "monitoring"}
