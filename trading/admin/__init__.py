"""Records of trading in the admin: everything can be read, found and exported; nothing can be changed here."""

from trading.admin import activity, controls, ledger, parameters, registry, treasury

__all__ = ["activity", "controls", "ledger", "parameters", "registry", "treasury"]
