from tests.pages.conftest import alive, auditor, desk, now_ns, operator

__all__ = ["alive", "auditor", "desk", "now_ns", "operator"]
