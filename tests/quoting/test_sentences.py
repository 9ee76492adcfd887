"""Every code that a cycle can end with has its sentence, in both languages of the pages."""

from __future__ import annotations

import ast
import inspect
import re
from types import ModuleType

import pytest
from django.utils import translation

from trading.controls.rule_locks import LIFTED_BY_ONE
from trading.ledger import quarantine, reports
from trading.market_data.problems import FeedProblem
from trading.orders import execute, gate
from trading.quoting import cycle, decide, governed, inputs, record
from trading.quoting.sentences import SENTENCES
from trading.risk import rules
from trading.risk.states import TradingState
from trading.risk.verdict import ReasonCode, Rule
from trading.sentence_text import sentence
from trading.strategy.quote_types import QuoteReason

# Where codes are written as text: module, functions, and words there that are no code of a cycle's end.
WRITTEN: tuple[tuple[ModuleType, tuple[str, ...], frozenset[str]], ...] = (
    (inputs, ("_problem", "_cap_problem"), frozenset({"feed_age_s", "feed_stale_s"})),
    (governed, ("governed", "_checked"), frozenset({"parameters_unusable"})),
    (gate, ("_answer",), frozenset()),
    (execute, ("_reserve", "_gate_unreachable", "_withheld"), frozenset({"intents_not_taken_back"})),
    (cycle, ("run_cycle", "_acquire"), frozenset()),
    (decide, ("decide",), frozenset({"not_quoting", "one_sided"})),
    (record, ("outcome_of", "unfinished_decision"), frozenset({"not_quoting", "one_sided"})),
)


def _written(module: ModuleType, functions: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    seen = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in functions:
            seen.add(node.name)
            texts = (
                one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            found |= {text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)}
    assert seen == set(functions), f"{module.__name__} has no {set(functions) - seen}"
    return found


def _codes() -> set[str]:
    codes = {problem.value for problem in FeedProblem if problem.value} | {reason.value for reason in QuoteReason}
    codes |= {ReasonCode[name].value for name in re.findall(r"ReasonCode\.([A-Z_]+)", inspect.getsource(rules))}
    locks = {quarantine.LOCK_RULE, reports.LOCK_RULE, Rule.HARD_LIMIT, Rule.ASSET_LIMIT, Rule.DESK_LIMIT}
    codes |= {f"lock_{rule}" for rule in locks | LIFTED_BY_ONE}
    for state in TradingState:
        if state is not TradingState.ACTIVE:
            codes |= {f"control_{state.value}", f"state_{state.value}"}
    codes |= {"exposure_asset", "exposure_desk", "quoting", "cap_below_floor"}
    for module, functions, others in WRITTEN:
        codes |= _written(module, functions) - others
    return codes


@pytest.mark.parametrize("code", sorted(_codes()))
def test_every_coded_reason_has_a_sentence_in_both_languages(code: str) -> None:
    assert code in SENTENCES
    english = sentence(code, {})
    with translation.override("dv"):
        dhivehi = sentence(code, {})
    assert english == SENTENCES[code] and dhivehi != english
    assert re.search("[\u0780-\u07bf]", dhivehi)
    assert sorted(re.findall(r"%\(\w+\)s", dhivehi)) == sorted(re.findall(r"%\(\w+\)s", english))
