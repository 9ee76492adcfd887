from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """The house itself: settings, supervisor, database roles. No rule of the business."""

    name = "dcmm_portal"
    verbose_name = _("Portal")



