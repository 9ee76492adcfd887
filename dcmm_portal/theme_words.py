"""Words of the admin's theme and of Django that stand on our pages: they ship no Dhivehi, so that our catalogue has it."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

THEME_WORDS: Final = (
    _("All applications"),
    _("Search apps and models..."),
    _("Site administration"),
    _("Type to search"),
    _("Go back"),
    _("Filters"),
    _("Apply Filters"),
    _("Reset filters"),
    _("Clear all filters"),
    _("Close"),
    _("Next"),
    _("Previous"),
    _("Show all"),
    _("No results found"),
    _("Light"),
    _("Dark"),
    _("System"),
    _("Log out"),
    _("View site"),
    _("General"),
)
