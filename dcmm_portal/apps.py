import os
from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from dcmm_portal.suspension import start_watching


class PortalConfig(AppConfig):
    """The house itself: settings, supervisor, database roles. No rule of the business."""

    name = "dcmm_portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        # Registers the system checks too.
        import_module("dcmm_portal.checks").refuse_to_run_as_owner()
        if process := os.environ.get("DCMM_PROCESS"):
            start_watching(process)
