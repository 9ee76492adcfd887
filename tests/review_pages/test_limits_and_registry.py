"""Limits and registry behind the doors: proposed by the API, shown, voted on and rolled back on the pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from governance.models import Proposal
from tests.review.desk import Desk, key, state
from trading.models import ExposureLimit, Market

API = "/api/v1/review/"
HIGHER = {"kind": "limits", "reason": "more room", "change": {"limits": {"asset:dct": {"hard_limit": "60000"}}}}
LABEL = {
    "kind": "registry",
    "reason": "shorter",
    "change": {"registry": {"market:dct-usdt-dex": {"source_label": "Recorded"}}},
}
OFF = {
    "kind": "registry",
    "reason": "venue closes",
    "change": {"registry": {"market:gram-usdt-cex": {"is_active": "false"}}},
    "apply_at_once": True,
}


def by_api(door: Callable, name: str, address: str, body: object) -> dict:
    sent = {"content_type": "application/json", "headers": {"Idempotency-Key": key()}}
    return dict(door(name).post(API + address, body, **sent).json())


def test_a_limit_on_its_way(desk: Desk, clock: Callable, door: Callable, code_of: Callable) -> None:
    send = partial(by_api, door)
    made = send("opal", "", HIGHER)
    page = f"/desk/review/{made['id']}/"
    assert send("opal", f"{made['id']}/submit/", {})["code"] == "no_preview"
    for verb in ("preview", "submit"):
        assert door("opal").post(f"{page}{verb}/", {"idempotency_key": key()}).status_code == 302
    shown = door("anna").get(page).content.decode()
    for words in (
        "hard limit",
        "60000",
        "riskier",
        "reachable over all markets",
        "the same in money",
        "Drift over seven days",
    ):
        assert words in shown
    for name in ("anna", "ben"):
        content = Proposal.objects.get(pk=made["id"]).content_hash
        vote = {"idempotency_key": key(), "choice": "approve", "content_hash": content, "code": code_of(name)}
        assert door(name).post(f"{page}vote/", vote).status_code == 302
    clock(hours=1)
    desk.clockwork()
    assert (state(Proposal.objects.get(pk=made["id"])), ExposureLimit.objects.get(key="dct").hard_limit) == (
        "APPLIED",
        60_000,
    )
    back = {"idempotency_key": key(), "market": "asset:dct", "version": "1", "reason": "back"}
    assert "roll-back" in door("opal").get(page).content.decode()
    assert door("opal").post(f"{page}roll-back/", back).status_code == 302
    assert Proposal.objects.latest("pk").change == {"limits": {"asset:dct": {"hard_limit": "50000"}}}


def test_a_label_on_its_way_and_a_market_switched_off(desk: Desk, door: Callable, code_of: Callable) -> None:
    send = partial(by_api, door)
    label = send("opal", "", LABEL)
    assert send("opal", f"{label['id']}/submit/", {})["state"] == "IN_REVIEW"
    page = f"/desk/review/{label['id']}/"
    shown = door("cara").get(page).content.decode()
    assert "what the prices are" in shown and "is only shown" in shown
    content = Proposal.objects.get(pk=label["id"]).content_hash
    vote = {"idempotency_key": key(), "choice": "approve", "content_hash": content, "code": code_of("cara")}
    assert door("cara").post(f"{page}vote/", vote).status_code == 302
    assert Market.objects.get(slug="dct-usdt-dex").source_label == "Recorded"
    assert send("opal", "", OFF)["state"] == "APPLIED"
    assert not Market.objects.get(slug="gram-usdt-cex").is_active
