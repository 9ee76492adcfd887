"""Who is told what, how it leaves the portal, and what is done when it does not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as active
from django.core import mail

from governance.alerts.delivery import deliver_due
from governance.alerts.inbox import choose_contact, notices, unread_count
from governance.alerts.routing import AUDIENCES
from governance.models import Notification, NotificationDelivery, Proposal
from governance.review.transitions import EVENTS
from tests.review.desk import DEX, SAFER, Desk, key, refused
from tests.review_pages.telegram import TOKEN, Telegram, telegram

TEMPLATES = Path(active.BASE_DIR) / "templates" / "notifications"


@pytest.fixture
def bot(settings: Any) -> Iterator[Telegram]:
    with telegram() as bot:
        settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_API_URL = TOKEN, bot.url
        yield bot


def told(desk: Desk, event: str) -> list[str]:
    """User names."""
    people = {person.pk: name for name, person in desk.people.items()}
    return sorted(people[pk] for pk in Notification.objects.filter(event=event).values_list("person_id", flat=True))


def address(desk: Desk, name: str) -> None:
    person = desk.people[name]
    person.email = f"{name}@desk.test"
    person.save(update_fields=["email"])


def test_each_is_told_by_role_and_by_what_they_had_to_do_with_it(desk: Desk) -> None:
    proposal = desk.in_review()
    assert told(desk, "proposal.submitted") == ["anna", "ben", "cara"]
    desk.comment(proposal, "audrey")
    assert told(desk, "proposal.commented") == ["opal"]
    desk.vote(proposal, "anna")
    assert told(desk, "proposal.voted") == ["opal"]
    desk.vote(proposal, "ben")
    assert told(desk, "proposal.approved") == ["anna", "gus", "opal"]
    desk.comment(proposal, "opal")
    assert told(desk, "proposal.commented") == ["anna", "audrey", "ben", "opal"]
    desk.forward(hours=1)
    desk.clockwork()
    assert told(desk, "proposal.applied") == ["anna", "ben", "gus", "opal"]


def test_a_draft_taken_back_bothers_nobody_and_one_in_review_its_voters(desk: Desk) -> None:
    desk.withdraw(desk.propose())
    assert told(desk, "proposal.withdrawn") == []
    desk.withdraw(desk.in_review())
    assert told(desk, "proposal.withdrawn") == ["anna", "ben", "cara"]


def test_what_was_applied_at_once_asks_for_a_review_and_reminds(desk: Desk) -> None:
    proposal = desk.propose(SAFER, apply_at_once=True)
    assert told(desk, "applied_at_once") == ["anna", "ben", "cara", "gus"]
    assert told(desk, "proposal.applied") == []
    desk.forward(days=1)
    desk.clockwork()
    assert told(desk, "proposal.review_overdue") == ["anna", "ben", "cara", "gus", "opal", "oscar"]
    desk.review(proposal)
    assert told(desk, "proposal.reviewed") == ["opal"]


def test_closed_accounts_are_told_nothing(desk: Desk) -> None:
    type(desk.people["ben"]).objects.filter(username="ben").update(is_active=False)
    desk.in_review()
    assert told(desk, "proposal.submitted") == ["anna", "cara"]


def test_a_refused_step_tells_nobody(desk: Desk) -> None:
    proposal = desk.propose()
    refused("no_preview", desk.submit, proposal, with_preview=False)
    assert not Notification.objects.exists()


def test_every_event_that_is_told_has_its_templates_and_no_template_is_left_over() -> None:
    made = {path.name for path in TEMPLATES.iterdir()}
    wanted = {f"{event}.{channel}.txt" for event in AUDIENCES for channel in ("page", "email", "telegram")}
    assert made == wanted | {"mail.txt", "chat.txt"}
    # A draft is nobody's business but its proposer's.
    assert set(EVENTS.values()) - set(AUDIENCES) == {"proposal.made"}


@pytest.mark.parametrize("language", ["en", "dv"])
def test_every_template_says_what_it_is_about(desk: Desk, language: str) -> None:
    from governance.alerts.notices import _facts
    from governance.alerts.words import message, sentence
    from trading.controls.commands import Actor

    proposal = desk.approved()
    facts = _facts(proposal, {"reason": "because", "at": desk.now, "able": 1}, Actor("1", "anna <b>", frozenset()))
    for event in sorted(AUDIENCES):
        notice = Notification(
            person=desk.people["opal"], event=event, proposal=proposal, facts=facts, created_at=desk.now
        )
        for channel in ("email", "telegram"):
            words = message(notice, channel, language)
            assert f"/desk/review/{proposal.pk}/" in words.body, event
            assert str(proposal.pk) in words.subject, event
            assert "&lt;" not in words.body, event
            assert "{" not in words.subject + words.body, event
        assert str(proposal.pk) in sentence(notice), event


def test_a_mail_goes_out_in_the_readers_language(desk: Desk) -> None:
    address(desk, "anna")
    address(desk, "ben")
    choose_contact(desk.people["ben"], "dv", True, "")
    proposal = desk.in_review()
    assert deliver_due(desk.now) == 2
    sent = {one.to[0]: one for one in mail.outbox}
    assert sent["anna@desk.test"].subject == f"DCMM portal: proposal {proposal.pk}"
    assert f"opal asks for your vote on proposal {proposal.pk}" in sent["anna@desk.test"].body
    assert f"{active.PUBLIC_URL}/desk/review/{proposal.pk}/" in sent["anna@desk.test"].body
    assert "asks for your vote" not in sent["ben@desk.test"].body
    assert deliver_due(desk.now + timedelta(days=1)) == 0


def test_telegram_goes_to_who_gave_a_chat(desk: Desk, bot: Telegram) -> None:
    choose_contact(desk.people["anna"], "en", True, " 4711 ")
    proposal = desk.in_review()
    assert deliver_due(desk.now) == 1
    ((path, chat, text),) = bot.sent
    assert (path, chat) == (f"/bot{TOKEN}/sendMessage", "4711")
    assert f"opal asks for your vote on proposal {proposal.pk}" in text


def test_telegram_is_off_without_a_token(desk: Desk) -> None:
    choose_contact(desk.people["anna"], "en", True, "4711")
    desk.in_review()
    assert not NotificationDelivery.objects.exists()
    refused("bad_chat", choose_contact, desk.people["anna"], "en", True, "@somebody")


def test_what_does_not_arrive_is_tried_again_then_given_up_and_shown(
    desk: Desk, bot: Telegram, door: Callable, clock: Callable
) -> None:
    choose_contact(desk.people["anna"], "en", True, "4711")
    bot.is_broken = True
    desk.in_review()
    tried = []
    for _ in range(8):
        assert deliver_due(desk.now) == 0
        found = NotificationDelivery.objects.get()
        tried.append(round((found.next_attempt_at - desk.now).total_seconds()))
        # Not a moment before its time.
        assert deliver_due(found.next_attempt_at - timedelta(seconds=1)) == 0
        assert NotificationDelivery.objects.get().attempts == found.attempts
        clock(seconds=tried[-1])
    assert tried == [30, 60, 120, 240, 480, 960, 1920, 3840]
    assert (found.state, found.attempts) == ("FAILED", 8)
    assert "bot was blocked by the user" in found.last_error
    assert TOKEN not in found.last_error
    assert deliver_due(desk.now + timedelta(days=1)) == 0
    page = door("audrey").get("/desk/notifications/deliveries/").content.decode()
    assert "given up" in page
    assert "bot was blocked by the user" in page
    assert "Try again" not in page
    bot.is_broken = False
    door("audrey").post(f"/desk/notifications/deliveries/{found.pk}/retry/")
    assert deliver_due(desk.now) == 0
    assert "Try again" in door("ada").get("/desk/notifications/deliveries/").content.decode()
    door("ada").post(f"/desk/notifications/deliveries/{found.pk}/retry/")
    assert deliver_due(desk.now) == 1
    assert "Everything arrived" in door("ada").get("/desk/notifications/deliveries/").content.decode()


def test_a_worker_that_dies_while_sending_leaves_it_to_the_next_attempt(desk: Desk) -> None:
    from governance.alerts.delivery import _claim

    address(desk, "anna")
    desk.in_review()
    assert _claim(desk.now) is not None
    assert deliver_due(desk.now) == 0
    assert deliver_due(desk.now + timedelta(seconds=30)) == 1


def test_the_bell_counts_and_is_read(desk: Desk, door: Callable) -> None:
    first, second = desk.in_review(), desk.in_review({"markets": {DEX: {"spread_floor_bps": "3"}}})
    anna = door("anna")
    assert unread_count(desk.people["anna"]) == 2
    assert "<b>2</b>" in anna.get("/desk/").content.decode()
    page = anna.get("/desk/notifications/").content.decode()
    assert page.index(f"/desk/review/{second.pk}/") < page.index(f"/desk/review/{first.pk}/")
    newest = notices(desk.people["anna"])[0]
    assert "<b>1</b>" in anna.post("/desk/notifications/read/", {"notice": newest.id}, follow=True).content.decode()
    # Another's cannot be read away.
    door("ben").post("/desk/notifications/read/", {"notice": notices(desk.people["anna"])[1].id})
    assert unread_count(desk.people["anna"]) == 1
    anna.post("/desk/notifications/read/")
    assert unread_count(desk.people["anna"]) == 0
    assert "You were told nothing yet" in door("audrey").get("/desk/notifications/").content.decode()


def test_a_person_chooses_how_to_be_told(desk: Desk, door: Callable) -> None:
    address(desk, "anna")
    anna = door("anna")
    page = anna.post("/desk/notifications/contact/", {"language": "dv", "telegram_chat": ""}, follow=True)
    assert "Saved." in page.content.decode()
    desk.in_review()
    assert not NotificationDelivery.objects.exists()
    wrong = anna.post("/desk/notifications/contact/", {"telegram_chat": "@me"}, follow=True).content.decode()
    assert "A Telegram chat is a number" in wrong


def test_the_hand_over_note_and_what_happened_since(desk: Desk, door: Callable, clock: Callable) -> None:
    opal, anna = door("opal"), door("anna")
    assert "Nobody left a note." in anna.get("/desk/").content.decode()
    note = {"text": "GRAM feed was late <twice>", "idempotency_key": key()}
    for _ in range(2):
        opal.post("/desk/note/", note)
    page = anna.get("/desk/").content.decode()
    assert "GRAM feed was late &lt;twice&gt;" in page
    assert page.count("a hand-over note was left") == 1
    assert "a hand-over note was left" not in opal.get("/desk/").content.decode()
    anna.post("/desk/looked/")
    assert "Nothing happened that you have not seen." in anna.get("/desk/").content.decode()
    clock(minutes=1)
    proposal = desk.in_review()
    page = anna.get("/desk/").content.decode()
    assert "Since you last looked" in page
    assert "a proposal went into review" in page
    assert f"/desk/review/{proposal.pk}/" in page
    refusal = opal.post("/desk/note/", {"text": " ", "idempotency_key": key()}, follow=True).content.decode()
    assert "A note has 1 to 2000 characters." in refusal
    assert Proposal.objects.count() == 1
