"""Rules by jurisdiction: their versions, the first of them, and the database's guard.

The first words are drafts for counsel, from docs/disclosures.md; the Dhivehi ones need a native reviewer.
"""

from pathlib import Path

from django.db import migrations, models
from django.utils import timezone

GUARD = Path(__file__).resolve().parent.parent / "guards" / "jurisdictions.sql"
PLAIN = r"^[^<>\x01-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]{10,}$"
FIRST = {
    "version": 1,
    "mode": "banner",
    "scope": "site",
    "reason": "The notices that the portal starts with: drafts for counsel.",
    "authorised_by": "genesis",
    "actor_id": "migration",
    "actor_name": "migration",
}
NOTICES = {
    "default": (
        "Draft for counsel. We know of no authority anywhere that has licensed, approved or looked at this portal, the token or the "
        "market maker. Holding or trading the token may be forbidden or taxed where you are: you have to find out. Nothing here is an "
        "offer, advice, or a statement that anything is permitted to you.",
        "ޤާނޫނީ ޑްރާފްޓެކެވެ. މި ޕޯޓަލަކަށް، ނުވަތަ ޓޯކަނަކަށް، ނުވަތަ މާކެޓް މޭކަރަކަށް، އެއްވެސް އިދާރާއަކުން ލައިސަންސް ދީފައެއް، ފާސްކޮށްފައެއް، "
        "ނުވަތަ ބަލާފައެއްވާކަމެއް އަޅުގަނޑުމެންނަކަށް ނޭނގެއެވެ. ތިޔަ އުޅޭ ތަނުގައި މި ޓޯކަން ގެންގުޅުން ނުވަތަ ވިޔަފާރިކުރުން މަނާވެދާނެއެވެ. ނުވަތަ "
        "އެއަށް ޓެކްސް ނެގިދާނެއެވެ. އެކަން ބަލަންޖެހޭނީ ތިޔަ ފަރާތުންނެވެ. މިއީ ހުށަހެޅުމެއް، ނުވަތަ ލަފައެއް، ނުވަތަ އެއްވެސް ކަމެއް ހުއްދަކަމުގެ "
        "ބަޔާނެއް ނޫނެވެ.",
    ),
    "MV": (
        "Draft for counsel. For the Maldives: the Capital Market Development Authority (CMDA) regulates securities there under the "
        "Maldives Securities Act (2/2006). The Maldives Monetary Authority (MMA) said on 11 October 2018 that no party had been given "
        "permission to conduct financial transactions in cryptocurrencies; we know of no later statement that lifts this. A draft "
        "CMDA regulation of virtual assets that are securities was out for comment until 15 December 2025, as second-hand sources "
        "say; we have not seen it, and do not know whether it was adopted. No authority of the Maldives has licensed, approved or "
        "looked at this portal, the token or the market maker. Nothing here is an offer, advice, or a statement that anything is "
        "permitted to you.",
        "ޤާނޫނީ ޑްރާފްޓެކެވެ. ދިވެހިރާއްޖެއަށެވެ. ކެޕިޓަލް މާކެޓް ޑިވެލޮޕްމަންޓް އޮތޯރިޓީ (CMDA) އިން ސެކިއުރިޓީޒް ރެގިއުލޭޓްކުރަނީ ދިވެހިރާއްޖޭގެ "
        "ސެކިއުރިޓީޒްގެ ޤާނޫނު (2/2006) ގެ ދަށުންނެވެ. 11 އޮކްޓޫބަރު 2018 ގައި މޯލްޑިވްސް މޮނެޓަރީ އޮތޯރިޓީ (MMA) އިން ބުނީ، ކްރިޕްޓޯކަރެންސީން "
        "މާލީ މުޢާމަލާތު ކުރުމުގެ ހުއްދައެއް އެއްވެސް ފަރާތަކަށް ދީފައިނުވާކަމަށެވެ. އެ ބަޔާން އުވާލާ ފަހުގެ ބަޔާނެއް އަޅުގަނޑުމެންނަކަށް ނޭނގެއެވެ. "
        "ސެކިއުރިޓީޒްގެ ގޮތުގައިވާ ވަރޗުއަލް އެސެޓާ ގުޅޭގޮތުން CMDA އިން ހެދި ގަވާއިދުގެ ޑްރާފްޓެއް، އެހެން މަސްދަރުތަކުން ބުނާގޮތުގައި، 15 "
        "ޑިސެންބަރު 2025 އާ ހަމައަށް ޚިޔާލު ހޯދުމަށް އޮތެވެ. އެ ޑްރާފްޓެއް އަޅުގަނޑުމެންނަކަށް ނުފެނެއެވެ. އެ ފާސްވިތޯއެއް ނޭނގެއެވެ. މި "
        "ޕޯޓަލަކަށް، ނުވަތަ ޓޯކަނަކަށް، ނުވަތަ މާކެޓް މޭކަރަކަށް، ދިވެހިރާއްޖޭގެ އެއްވެސް އިދާރާއަކުން ލައިސަންސް ދީފައެއް، ފާސްކޮށްފައެއް، ނުވަތަ "
        "ބަލާފައެއް ނުވެއެވެ. މިއީ ހުށަހެޅުމެއް، ނުވަތަ ލަފައެއް، ނުވަތަ އެއްވެސް ކަމެއް ހުއްދަކަމުގެ ބަޔާނެއް ނޫނެވެ.",
    ),
}


def write_first(apps, schema_editor):
    rule = apps.get_model("disclosures", "JurisdictionRule")
    for country, (english, dhivehi) in NOTICES.items():
        rule.objects.create(
            country=country, notice_en=english, notice_dv=dhivehi, applied_at=timezone.now(), **FIRST
        )


class Migration(migrations.Migration):
    dependencies = [("disclosures", "0006_reports"), ("governance", "0014_document_rules")]

    operations = [
        migrations.CreateModel(
            name="JurisdictionRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", models.CharField(max_length=7, verbose_name="jurisdiction")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                (
                    "mode",
                    models.CharField(
                        choices=[("none", "nothing"), ("banner", "a notice"), ("block", "a refusal")],
                        max_length=6,
                        verbose_name="what happens",
                    ),
                ),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("site", "the whole public site"),
                            ("dashboards", "figures about trading"),
                            ("acknowledgement", "acceptance of documents"),
                        ],
                        max_length=15,
                        verbose_name="where",
                    ),
                ),
                ("notice_en", models.CharField(blank=True, max_length=1500, verbose_name="notice in English")),
                ("notice_dv", models.CharField(blank=True, max_length=1500, verbose_name="notice in Dhivehi")),
                ("reason", models.TextField(verbose_name="reason")),
                ("authorised_by", models.CharField(max_length=120, verbose_name="authorised by")),
                ("actor_id", models.CharField(max_length=64, verbose_name="actor id")),
                ("actor_name", models.CharField(max_length=150, verbose_name="actor")),
                ("applied_at", models.DateTimeField(verbose_name="applied at")),
            ],
            options={
                "verbose_name": "rule of a jurisdiction",
                "verbose_name_plural": "rules by jurisdiction",
                "db_table": "jurisdiction_rules",
                "constraints": [
                    models.UniqueConstraint(fields=("country", "version"), name="jurisdiction_version_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("country", "default"), ("country__regex", "^[A-Z]{2}$"), _connector="OR"
                        ),
                        name="jurisdiction_country",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("mode", "none"), ("notice_dv", ""), ("notice_en", ""), ("scope", "site")),
                            models.Q(
                                ("mode__in", ["banner", "block"]),
                                ("notice_dv__regex", PLAIN),
                                ("notice_en__regex", PLAIN),
                            ),
                            _connector="OR",
                        ),
                        name="jurisdiction_words",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scope__in", ["site", "dashboards", "acknowledgement"])),
                        name="jurisdiction_scope",
                    ),
                ],
            },
        ),
        migrations.RunPython(write_first, migrations.RunPython.noop),
        migrations.RunSQL([GUARD.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
