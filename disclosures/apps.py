from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DisclosuresConfig(AppConfig):
    name = "disclosures"
    verbose_name = _("Disclosures")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the kinds of change that disclosures bring to review."""
        from disclosures.transparency.publication_kind import PublicationChange
        from governance.review.registry import register

        register(PublicationChange())
