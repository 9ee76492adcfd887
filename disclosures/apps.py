from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DisclosuresConfig(AppConfig):
    name = "disclosures"
    verbose_name = _("Disclosures")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What is published is decided by the review engine, as one of its kinds."""
        from disclosures.documents.review_kind import DocumentChange, page_of
        from disclosures.documents.starting_texts import write_demo
        from governance.review.demo_steps import register_demo
        from governance.review.registry import register

        register(DocumentChange(), page_of)
        register_demo(write_demo)
