"""Loads ccxt's OKX classes without the hundred other exchanges.

`import ccxt`, `ccxt.async_support` and `ccxt.pro` import every exchange: about 75 MB for one that is used. Here these
three packages are registered with only the names that OKX's modules take from them; whatever else is asked of them
later runs their real `__init__` in place, so nobody who imports ccxt elsewhere in the process notices. The library's
files are as published.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

logger = logging.getLogger(__name__)

PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")


def load_okx() -> Any:
    """The class `ccxt.pro.okx`, by the short way; by the plain import where the short one does not work."""
    if not any(name in sys.modules for name in PACKAGES):
        try:
            return _load_slim()
        except Exception as error:
            logger.warning("the slim import of ccxt does not work (%s); importing all of it", type(error).__name__)
            _forget()
    return importlib.import_module("ccxt.pro").okx


def _load_slim() -> Any:
    root = _light("ccxt")
    errors = importlib.import_module("ccxt.base.errors")
    base = importlib.import_module("ccxt.base.exchange")
    names: dict[str, object] = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    root.__dict__.update(names, errors=errors, Exchange=base.Exchange, BaseExchange=base.BaseExchange)
    package = _light("ccxt.async_support")
    asynchronous = importlib.import_module("ccxt.async_support.base.exchange")
    package.__dict__.update(names, errors=errors, Exchange=asynchronous.Exchange)
    package.__dict__["okx"] = importlib.import_module("ccxt.async_support.okx").okx
    streaming = _light("ccxt.pro")
    streaming.__dict__.update(names, errors=errors, Exchange=asynchronous.Exchange)
    okx = importlib.import_module("ccxt.pro.okx").okx
    streaming.__dict__["okx"] = okx
    return okx


def _light(name: str) -> ModuleType:
    """Register a package without running its `__init__`; the first unknown name runs it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(f"no package {name}")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__getattr__"] = _loader_of(module, spec.loader)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        sys.modules[parent].__dict__[child] = module
    return module


def _loader_of(module: ModuleType, loader: Any) -> Callable[[str], object]:
    def load_whole(name: str) -> object:
        if not name.startswith("__"):
            submodule = sys.modules.get(f"{module.__name__}.{name}")
            if submodule is not None:
                return submodule
            if module.__dict__.get("__getattr__") is load_whole:
                del module.__dict__["__getattr__"]
                loader.exec_module(module)
                return getattr(module, name)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    return load_whole


def _forget() -> None:
    for name in [name for name in sys.modules if name == "ccxt" or name.startswith("ccxt.")]:
        del sys.modules[name]
