from tests.quoting.conftest import world

__all__ = ["world"]
