"""Codes of review in words: reasons of a risk class, what to do after a refusal, what an action is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from governance.review.kinds.limits import LABELS as LIMIT_LABELS
from trading.parameters.schema import BY_NAME
from trading.registry.rows import TABLES

_RISK: Final = {
    "riskier": gettext_noop("%(what)s moves its riskier way"),
    "safer": gettext_noop("%(what)s moves its safer way"),
    "unchanged": gettext_noop("%(what)s stays as it is"),
    "large_change": gettext_noop("%(what)s is risky either way, and this is no small change"),
    "small_change": gettext_noop("%(what)s is risky either way, and this is a small change"),
    "drift": gettext_noop("%(what)s moves little now, but much since seven days ago"),
    "unknown_parameter": gettext_noop("%(what)s is not known: judged by the strictest rule"),
    "not_a_number": gettext_noop("%(what)s is not a number: judged by the strictest rule"),
    "still_wider": gettext_noop("%(what)s moves its safer way, and is still wider than seven days ago"),
    "unknown_limit": gettext_noop("the limit is not known: judged by the strictest rule"),
    "no_limit": gettext_noop("no limit is named: judged by the strictest rule"),
    "label": gettext_noop("%(what)s is only shown"),
    "switched_off": gettext_noop("the market is switched off"),
    "switched_on": gettext_noop("the market is switched on"),
    "demands_gate": gettext_noop("the market demands a gate: it only reduces while that is not open"),
    "drops_gate": gettext_noop("the market demands a gate no more"),
    "moves_money": gettext_noop("%(what)s decides where and in which units money moves"),
    "new_row": gettext_noop("it is new: judged by the strictest rule"),
    "no_row": gettext_noop("no row of the registry is named: judged by the strictest rule"),
    "unknown_market": gettext_noop("the market is not known: judged by the strictest rule"),
    "no_market": gettext_noop("no market is named: judged by the strictest rule"),
    "unknown_kind": gettext_noop("the kind of change is not known: judged by the strictest rule"),
    "loosens_control": gettext_noop("it ends a stop of trading"),
    "takes_role": gettext_noop("it takes a role away"),
    "closes_account": gettext_noop("it closes a person’s account"),
    "policy": gettext_noop("it changes the rules of review"),
    "role_grant": gettext_noop("it gives a role"),
    "credentials": gettext_noop("it resets how a person signs in"),
    "token": gettext_noop("it makes a token for programs"),
    "told_to_the_public": gettext_noop("it changes what the public is told"),
    "guards_less": gettext_noop("less is told or refused there than now"),
    "guards_no_less": gettext_noop("nothing is told or refused less there than now"),
    "other_words": gettext_noop(
        "words for the public change: nobody can compute what that does, so the strictest rule judges"
    ),
}

# Refusal code → what to do next.
_NEXT: Final = {
    "already_asked": gettext_noop("Open the proposal that is named: an approver votes there."),
    "already_voted": gettext_noop("Your vote stands below. Only an edit of the proposal opens it for another vote."),
    "applies_at_once": gettext_noop("Use “Apply at once”: another person reviews it afterwards."),
    "bad_change": gettext_noop("Correct the values that are named, then check again."),
    "bad_choice": gettext_noop("Choose one of the buttons."),
    "bad_comment": gettext_noop("Write something shorter, or split it into several comments."),
    "bad_content": gettext_noop("Load the page again, then sign again."),
    "bad_dates": gettext_noop("Correct the dates; times are UTC."),
    "bad_link": gettext_noop("Correct the address of the link in the text."),
    "bad_text": gettext_noop("Correct the text, then save again."),
    "bad_key": gettext_noop("Load the page again and send the form once."),
    "bad_note": gettext_noop("Write something shorter."),
    "bad_policy": gettext_noop("An administrator must propose rules that can be read; until then nothing is approved."),
    "bad_requirement": gettext_noop("Propose it again: this record cannot be judged any more."),
    "bad_state": gettext_noop("Look at its state above: somebody may have acted before you."),
    "bad_time": gettext_noop("Choose a time between the two that are named beside the field, in UTC."),
    "checks_red": gettext_noop("Repair what is red on the desk first, then try again."),
    "content_changed": gettext_noop("Read it again as it is now, then vote on that."),
    "database_refused": gettext_noop("The database’s own guard said no. Tell the administrator the words above."),
    "expired": gettext_noop("Propose it again: the form can be filled from this one."),
    "held_back": gettext_noop("Too many wrong codes: wait some minutes, then use a fresh one."),
    "invalid": gettext_noop("Correct the values that are named, then check again."),
    "key_used": gettext_noop(
        "This form was sent before with other content. Load the page again and look what was done."
    ),
    "last_one": gettext_noop("Propose the role for another person first; once that is applied, close this account."),
    "long_reason": gettext_noop("Shorten the reason; details belong into the discussion."),
    "missing": gettext_noop("Type a fresh code of your app, or use your security key."),
    "needs_review": gettext_noop("Save it as a draft, look at the preview, and submit it for review."),
    "needs_key": gettext_noop(
        "Enrol a security key under “Account”: it counts for what is proposed afterwards. Others may vote on this."
    ),
    "no_address": gettext_noop("Propose to reset the second factor, or have an address entered first."),
    "no_change": gettext_noop("Change at least one value."),
    "no_form": gettext_noop("Edit it by the API, or withdraw it and propose anew what the form can say."),
    "no_policy": gettext_noop("The owner runs bootstrap, which writes the first rules."),
    "no_preview": gettext_noop("Press “Make the preview”, look at it, then submit."),
    "no_reason": gettext_noop("Say why, in at least three letters: the reason stays with the change."),
    "no_role": gettext_noop("Ask somebody who has that role. An administrator can propose to give it to you."),
    "nothing_to_resume": gettext_noop("Look on the desk at what stands: it may have ended meanwhile."),
    "no_version": gettext_noop("The market needs its first parameters from bootstrap."),
    "not_yours": gettext_noop("Write in the discussion what you want changed, or propose it yourself."),
    "one_language": gettext_noop("Write both languages."),
    "own_proposal": gettext_noop("Ask the people named under “who may still vote”."),
    "proposer_gone": gettext_noop("Somebody who may propose it has to propose it again."),
    "quorum_lost": gettext_noop("Propose it again, so that people who may vote now can approve it."),
    "ran_out": gettext_noop(
        "If the desk still shows it, this machine’s clock is behind: set its time right, then look again."
    ),
    "refused": gettext_noop("Codes work once: wait for the next one of your app, then try again."),
    "review_overdue": gettext_noop("Open the inbox: what is overdue stands under “to review afterwards”."),
    "stale": gettext_noop("Edit the proposal: the form starts from what is in force now."),
    "stale_policy": gettext_noop("Edit the proposal and save it: it is judged by the rules in force."),
    "stale_preview": gettext_noop("Press “Make the preview again”, look at it, then submit."),
    "step_up": gettext_noop("Type a fresh code of your app, or use your security key."),
    "token": gettext_noop("Sign in on the portal: a vote is a person’s, with their second factor."),
    "too_early": gettext_noop("Wait for the countdown: it applies by itself."),
    "too_slow": gettext_noop("Try again in a minute; nothing was changed."),
    "unavailable": gettext_noop("Try again in a moment."),
    "unknown": gettext_noop("Look for it in the inbox."),
    "unknown_kind": gettext_noop("Choose one of the kinds under “Propose a change” in the inbox."),
    "unknown_limit": gettext_noop("Name an asset of the desk: asset:<id>, or desk:<quote asset>."),
    "unknown_placeholder": gettext_noop("Use one of the names that are listed under the text."),
    "unknown_market": gettext_noop("Choose one of the markets of the desk."),
    "unknown_person": gettext_noop("Choose one of the people in the list."),
    "unknown_row": gettext_noop("Name a row as asset:, venue:, account: or market: with its id."),
    "unknown_version": gettext_noop("Choose one of the versions in the list."),
    "was_traded": gettext_noop("Add a new market with the values you want, and switch this one off."),
    "wrong_subject": gettext_noop("Start again from the form of that market."),
}
# For every other code: people’s accounts that changed after the proposal, and what trading itself refuses.
_ANY: Final = gettext_noop("Nothing was changed. Ask in the discussion who can take this on.")

_ACTIONS: Final = {
    "make": gettext_noop("made"),
    "edit": gettext_noop("edited"),
    "submit": gettext_noop("submitted"),
    "apply_at_once": gettext_noop("applied at once"),
    "request_changes": gettext_noop("changes requested"),
    "reject": gettext_noop("rejected"),
    "approve": gettext_noop("approved"),
    "apply": gettext_noop("applied"),
    "fail": gettext_noop("failed"),
    "expire": gettext_noop("expired"),
    "withdraw": gettext_noop("withdrawn"),
    "supersede": gettext_noop("superseded"),
    "cancel": gettext_noop("cancelled"),
}

_KINDS: Final = {
    "parameters": gettext_noop("parameters"),
    "limits": gettext_noop("limits of asset and desk"),
    "registry": gettext_noop("assets, venues and markets"),
    "control": gettext_noop("resuming trading"),
    "policy": gettext_noop("rules of review"),
    "role_grant": gettext_noop("role of a person"),
    "credentials": gettext_noop("credentials of a person"),
    "token": gettext_noop("token for programs"),
    "account": gettext_noop("account of a person"),
    "document": gettext_noop("disclosure"),
    "publication": gettext_noop("what the public sees"),
    "jurisdiction": gettext_noop("notices and gates by jurisdiction"),
}

_OF_UPPER_ROOMS: Final[dict[str, str]] = {}

_CAVEATS: Final = {
    "nothing_recorded": gettext_noop("Nothing is recorded of this window yet: there is nothing to compare."),
    "cycles_without_numbers_stay_so": gettext_noop(
        "Cycles that had no reference price quote nothing in either column."
    ),
    "shared_inventory_as_recorded": gettext_noop(
        "Inventory is taken as it was recorded: another target would have moved it."
    ),
    "prints_unknown": gettext_noop("No trades were recorded: what would have been reached is not known."),
}


def risk_reason(code: str) -> str:
    """A coded reason (market:parameter:code, where a market may be a name with a colon; or a code alone) as a sentence."""
    where, word = code.rpartition(":")[::2]
    market, name = where.rpartition(":")[::2]
    text = _RISK.get(word)
    if text is None:
        return code
    sentence = _(text) % {"what": f"“{value_label(name)}”"} if "%(what)s" in text else _(text)
    return f"{market}: {sentence}" if where else sentence


def name_values(labels: Mapping[str, str]) -> None:
    """What values of a kind of an upper room are called, msgids by name; when the portal starts."""
    _OF_UPPER_ROOMS.update(labels)


def value_label(name: str) -> str:
    """What the page calls a parameter, a limit, a word of the registry, or a value of an upper room's kind."""
    if name in BY_NAME:
        return _(BY_NAME[name].label)
    if name in LIMIT_LABELS:
        return _(LIMIT_LABELS[name])
    if name in _OF_UPPER_ROOMS:
        return _(_OF_UPPER_ROOMS[name])
    words = [table.words[name].label for table in TABLES.values() if name in table.words]
    return _(words[0]) if words else name


def what_next(code: str) -> str:
    """What somebody whose request was refused with that code can do."""
    return _(_NEXT.get(code, _ANY))


def action_word(action: str) -> str:
    """A step of the history."""
    return _(_ACTIONS[action]) if action in _ACTIONS else action


def kind_word(kind: str) -> str:
    """A kind of change."""
    return _(_KINDS[kind]) if kind in _KINDS else kind


def caveat(code: str) -> str:
    """What a reader of a preview has to know."""
    return _(_CAVEATS[code]) if code in _CAVEATS else code
