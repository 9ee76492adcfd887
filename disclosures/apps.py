from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DisclosuresConfig(AppConfig):
    name = "disclosures"
    verbose_name = _("Disclosures")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the kinds of change that disclosures bring to review, their forms, and what they add to the demonstration."""
        from disclosures.documents.review_kind import DocumentChange, is_publication, page_of
        from disclosures.documents.starting_texts import write_demo
        from disclosures.jurisdictions.form import JURISDICTION_FORM
        from disclosures.jurisdictions.review_kind import LABELS, JurisdictionChange
        from disclosures.jurisdictions.review_kind import change_back as jurisdiction_back
        from disclosures.transparency.publication_form import PUBLICATION_FORM
        from disclosures.transparency.publication_kind import FIELDS, PublicationChange
        from disclosures.transparency.publication_kind import change_back as publication_back
        from governance.desk.review.kind_forms import register_form
        from governance.desk.review.words import name_values
        from governance.review.demo_steps import register_demo
        from governance.review.registry import register
        from governance.review.rollback import register_rollback

        register(DocumentChange(), page_of, is_publication)
        register(PublicationChange())
        register(JurisdictionChange())
        register_rollback(PublicationChange.name, publication_back)
        register_rollback(JurisdictionChange.name, jurisdiction_back)
        register_form(PublicationChange.name, PUBLICATION_FORM)
        register_form(JurisdictionChange.name, JURISDICTION_FORM)
        name_values({field.name: field.label for field in FIELDS} | LABELS)
        register_demo(write_demo)
