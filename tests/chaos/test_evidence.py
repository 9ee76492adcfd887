"""What counts as the portal's notice of a blow: lines about the thing that was hit, in the time of the blow."""

from __future__ import annotations

import pytest

from dcmm_portal.chaos.evidence import seen
from dcmm_portal.chaos.plan import Blow, Fault
from dcmm_portal.chaos.private_system import Line
from dcmm_portal.chaos.strikes import Struck

S = 10**9
STILL = '{"process": "relay", "seconds": 5.1, "event": "process_stood_still", "level": "warning"}'


def struck(what: str, target: str, process: str = "", fault: Fault | None = None) -> Struck:
    return Struck(Blow(0.0, what, target, 5.0, fault), process or target, 1, 100 * S, 105 * S, True)


@pytest.mark.parametrize(
    ("one", "at_s", "text", "told"),
    [
        (
            struck("kill", "worker", "worker-1"),
            101,
            "supervisor   | worker-1 ended with status -9; restart in 0.0 s",
            1,
        ),
        (
            struck("kill", "worker", "worker-1"),
            101,
            "supervisor   | worker-2 ended with status -9; restart in 0.0 s",
            0,
        ),
        (struck("kill", "worker", "worker-1"), 99, "supervisor   | worker-1 ended with status -9; restart in 0.0 s", 0),
        (struck("stop", "relay"), 106, f"relay        | {STILL}", 1),
        (struck("stop", "relay"), 106, f"worker-1     | {STILL}", 0),
        (struck("stop", "relay"), 106, "supervisor   | relay shows no life; killed, to be restarted", 1),
        (struck("stop", "relay"), 106, 'web | {"level": "warning", "event": "something_else"}', 0),
        (struck("stop", "valkey"), 104, 'web | {"level": "warning", "event": "anything"}', 1),
        (struck("stop", "valkey"), 104, 'web | {"level": "info", "event": "anything"}', 0),
        (
            struck("fault", "sandbox-dex", fault=Fault("latency")),
            104,
            'w | {"account": "dex-desk", "level": "warning"}',
            1,
        ),
        (
            struck("fault", "sandbox-dex", fault=Fault("latency")),
            104,
            'w | {"account": "cex-desk", "level": "warning"}',
            0,
        ),
        (
            struck("fault", "sandbox-dex", fault=Fault("latency")),
            121,
            'w | {"account": "dex-desk", "level": "warning"}',
            0,
        ),
    ],
)
def test_notice(one: Struck, at_s: int, text: str, told: int) -> None:
    assert sum(seen([one], [Line(at_s * S, text)]).values()) == told
