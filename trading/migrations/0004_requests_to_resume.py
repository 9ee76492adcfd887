"""Requests to resume, decided by a second person, and the triggers that make two people necessary."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models


SQL = Path(__file__).resolve().parent.parent / "sql" / "two_people.sql"


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0003_index_of_movements_without_rate"),
    ]

    operations = [
        migrations.CreateModel(
            name="ResumeRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(db_index=True, max_length=48, verbose_name="desk, or a market's slug")),
                ("rule", models.CharField(max_length=48, verbose_name="rule of the lock, or 'kill'")),
                ("control_version", models.PositiveIntegerField(verbose_name="version of the control")),
                ("reason", models.TextField(verbose_name="reason")),
                ("asked_by_id", models.CharField(max_length=64, verbose_name="asked by (id)")),
                ("asked_by_name", models.CharField(max_length=150, verbose_name="asked by")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("PENDING", "pending"),
                            ("CONFIRMED", "confirmed"),
                            ("REFUSED", "refused"),
                            ("LAPSED", "lapsed"),
                        ],
                        default="PENDING",
                        max_length=9,
                        verbose_name="outcome",
                    ),
                ),
                (
                    "decided_by_id",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="decided by (id)"),
                ),
                (
                    "decided_by_name",
                    models.CharField(blank=True, default="", max_length=150, verbose_name="decided by"),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                ("decision_reason", models.TextField(blank=True, default="", verbose_name="reason of the decision")),
                (
                    "lock",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="trading.lock",
                        verbose_name="lock",
                    ),
                ),
            ],
            options={
                "verbose_name": "request to resume",
                "verbose_name_plural": "requests to resume",
                "db_table": "resume_requests",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("asked_by_id", ""), _negated=True),
                            models.Q(("decided_by_id", models.F("asked_by_id")), _negated=True),
                        ),
                        name="resume_by_two_people",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("decided_by_id", ""), ("outcome", "PENDING")),
                            models.Q(
                                models.Q(("outcome", "PENDING"), _negated=True),
                                models.Q(("decided_by_id", ""), _negated=True),
                                ("decided_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="resume_decided_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "CONFIRMED"), _negated=True),
                            ("decided_at__lt", models.F("expires_at")),
                            _connector="OR",
                        ),
                        name="resume_confirmed_in_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lock__isnull", True), ("rule", "kill")),
                            models.Q(models.Q(("rule", "kill"), _negated=True), ("lock__isnull", False)),
                            _connector="OR",
                        ),
                        name="resume_of_kill_or_lock",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("outcome", "PENDING")), fields=("scope", "rule"), name="resume_pending_once"
                    ),
                ],
            },
        ),
        migrations.RunSQL([SQL.read_text()], reverse_sql=migrations.RunSQL.noop),
    ]
