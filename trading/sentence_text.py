"""The one sentence on why a market is or is not quoting, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from trading.quoting.sentences import SENTENCES

# What the pages themselves know: that no cycle speaks. Every other key is a cycle's own (trading.quoting.sentences).
_OWN = {
    "status.no_cycle": gettext_noop("Not quoting: no quoting cycle has run on this market yet."),
    "status.silent": gettext_noop("Not quoting as far as known: the last quoting cycle ran %(age_s)s s ago."),
}


def sentence(key: str, args: Mapping[str, str]) -> str:
    """The sentence of `key` with `args` filled in; one that names the key where it is not known (never an exception)."""
    template = _OWN.get(key) or SENTENCES.get(key)
    if template is None:
        return _("No explanation is known (%(key)s).") % {"key": key or "-"}
    try:
        return _(template) % dict(args)
    except (KeyError, ValueError, TypeError):
        return _(template)
