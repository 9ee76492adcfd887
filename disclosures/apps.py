from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DisclosuresConfig(AppConfig):
    name = "disclosures"
    verbose_name = _("Disclosures")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the kinds of change that disclosures bring to review, and what they add to the demonstration."""
        from disclosures.documents.review_kind import DocumentChange, is_publication, page_of
        from disclosures.documents.starting_texts import write_demo
        from disclosures.transparency.publication_kind import PublicationChange
        from governance.review.demo_steps import register_demo
        from governance.review.registry import register

        register(DocumentChange(), page_of, is_publication)
        register(PublicationChange())
        register_demo(write_demo)
