"""The control door: its own token, faults and clock at run time, counters, the ledger's totals."""

from __future__ import annotations

import pytest

from tests.sandbox.server.desk import Desk, sell_through
from trading.sandbox.server.testing import RunningVenue


class Operator:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.token = desk.venue.control_token

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        headers = {"X-Control-Token": self.token}
        url = self.desk.venue.base_url + path
        async with self.desk.session.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def operator(desk: Desk) -> Operator:
    return Operator(desk)


async def test_faults_are_set_seen_and_cleared(operator: Operator, desk: Desk) -> None:
    rules = [{"kind": "error_before", "endpoint": "place", "count": 1}, {"kind": "latency", "endpoint": "fills"}]
    status, answer = await operator.call("POST", "/control/faults", rules)
    assert (status, len(answer["ids"])) == (200, 2)
    assert (await desk.place("q-1"))[0] == 503
    _, answer = await operator.call("GET", "/control/status")
    assert answer["faults"]["applied"]["error_before"] == 1
    assert answer["faults"]["applied"]["error_after"] == 0
    assert [(rule["kind"], rule["left"]) for rule in answer["faults"]["rules"]] == [
        ("error_before", 0),
        ("latency", None),
    ]
    first = answer["faults"]["rules"][0]["id"]
    assert (await operator.call("DELETE", f"/control/faults/{first}"))[0] == 200
    assert (await operator.call("DELETE", f"/control/faults/{first}"))[0] == 404
    _, answer = await operator.call("PUT", "/control/faults", [{"kind": "rate_limited", "endpoint": "balances"}])
    assert (await desk.call("GET", "/v1/balances"))[0] == 429
    _, answer = await operator.call("DELETE", "/control/faults")
    assert (answer["rules"], answer["applied"]["rate_limited"]) == ([], 1)
    assert (await desk.call("GET", "/v1/balances"))[0] == 200


async def test_the_clock_is_made_wrong_and_right(operator: Operator, desk: Desk) -> None:
    assert (await operator.call("PUT", "/control/clock", {"skew_s": -60}))[0] == 200
    assert (await desk.call("GET", "/v1/balances"))[0] == 401
    assert (await operator.call("PUT", "/control/clock", {"skew_s": 0}))[0] == 200
    assert (await desk.call("GET", "/v1/balances"))[0] == 200
    assert (await operator.call("PUT", "/control/clock", {"skew_s": "late"}))[0] == 400


async def test_totals_change_by_transfers_only(operator: Operator, desk: Desk, venue: RunningVenue) -> None:
    _, before = await operator.call("GET", "/control/totals")
    await desk.place("q-1")
    sell_through(venue, "0.269310", "20.0")
    assert len(venue.exchange.fills("desk")) == 1
    assert {a: float(v) for a, v in (await operator.call("GET", "/control/totals"))[1].items()} == {
        a: float(v) for a, v in before.items()
    }
    deposit = {"account": "desk", "asset": "USDT", "amount": "250", "transfer_id": "t-1"}
    for _ in range(2):
        assert (await operator.call("POST", "/control/deposit", deposit))[0] == 200
    _, after = await operator.call("GET", "/control/totals")
    assert float(after["USDT"]) - float(before["USDT"]) == 250.0
    _, export = await operator.call("GET", "/control/export?account=desk")
    assert [transfer["transfer_id"] for transfer in export["transfers"]][-1] == "t-1"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/control/faults", {"kind": "meteor"}),
        ("PUT", "/control/faults", {"kind": "latency"}),
        ("PUT", "/control/clock", {"skew_s": None}),
        ("POST", "/control/deposit", {"account": "desk", "asset": "USDT", "amount": "-1", "transfer_id": "x"}),
        ("GET", "/control/export", None),
    ],
)
async def test_bad_control_requests(operator: Operator, method: str, path: str, body: object) -> None:
    status, answer = await operator.call(method, path, body)
    assert status == 400
    assert answer["error"]["message"]


async def test_the_door_is_shut_without_its_token(operator: Operator, venue: RunningVenue) -> None:
    operator.token = "wrong"
    assert (await operator.call("DELETE", "/control/faults"))[0] == 401
    venue.venue.control_token = ""
    operator.token = ""
    assert (await operator.call("GET", "/control/status"))[0] == 404
