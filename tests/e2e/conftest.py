"""A real browser against a real ASGI server, live push, PostgreSQL and Valkey; only the markets are written by the test."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from dcmm_portal.supervisor.launch import free_port
from dcmm_portal.supervisor.system import web_arguments
from tests.e2e.serve import recovery_code
from tests.support.plugin import DATABASE_NAME, SERVERS
from tests.support.servers import wait_until
from trading.hot_state.values import HotOrder

BASE_DIR = Path(__file__).resolve().parents[2]
SCREENS = Path(__file__).parent / "screens"
CODES = itertools.count()
CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)


class Portal:
    """The web server and the live push as processes; `web_down`/`web_up` is what a deployment does to a browser."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.environment, self.port = environment, port
        self.url = f"http://127.0.0.1:{port}"
        self.log = (SERVERS.root / "e2e.log").open("ab")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, *arguments]
        self.processes[name] = subprocess.Popen(
            command, cwd=BASE_DIR, env=self.environment, stdout=self.log, stderr=self.log
        )

    def _stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)

    def web_up(self) -> None:
        self._start("web", *web_arguments("127.0.0.1", self.port))
        wait_until(self._answers, 40, "the web server")

    def web_down(self) -> None:
        self._stop("web")

    def push_up(self) -> None:
        self._start("push", "-m", "tests.e2e.serve", "push")

    def push_down(self) -> None:
        self._stop("push")

    def clockwork_up(self) -> None:
        """What beat and a worker do for proposals whose time has come."""
        if "clockwork" not in self.processes:
            self._start("clockwork", "-m", "tests.e2e.serve", "clockwork")

    def mails(self) -> set[Path]:
        """What was mailed: a file each."""
        return set((Path(self.environment["DATA_DIR"]) / "mail").glob("*"))

    def stop(self) -> None:
        for name in list(self.processes):
            self._stop(name)
        self.log.close()

    def _answers(self) -> bool:
        from urllib.error import URLError
        from urllib.request import urlopen

        try:
            return bool(urlopen(f"{self.url}/healthz", timeout=1).status == 200)
        except (URLError, OSError):
            return False


@dataclass
class Markets(threading.Thread):
    """Writes both markets' hot state twice a second, as market_data, the cycle and the ledger would."""

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.mids: dict[str, object] = {}
        self.more_orders: dict[str, list[HotOrder]] = {}

    def run(self) -> None:
        while not self.done.wait(0.5):
            self.write()

    def write(self) -> None:
        """Both markets as they are now."""
        from tests.pages import stage

        for slug in (stage.DEX, stage.CEX):
            stage.hot_market(slug, time.time_ns(), mid=self.mids.get(slug))
            stage.add_orders(slug, self.more_orders.get(slug, []))

    __hash__ = threading.Thread.__hash__


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    name = f"{DATABASE_NAME}_e2e"
    SERVERS.clone(name)
    port = free_port()
    environment = os.environ | {"DATABASE_URL": SERVERS.database_url(name), "PORT": str(port)}
    subprocess.run(
        [sys.executable, "-m", "tests.e2e.serve", "stage"], cwd=BASE_DIR, env=environment, check=True, timeout=60
    )
    as_owner = environment | {"DATABASE_URL": SERVERS.database_url(name, "dcmm_owner")}
    subprocess.run(
        [sys.executable, "-m", "tests.e2e.serve", "treasury"], cwd=BASE_DIR, env=as_owner, check=True, timeout=60
    )
    portal = Portal(environment, port)
    portal.web_up()
    portal.push_up()
    yield portal
    portal.stop()


@pytest.fixture(scope="session")
def markets(portal: Portal) -> Iterator[Markets]:
    from tests.pages import stage

    for slug in (stage.DEX, stage.CEX):
        stage.put_history(slug, time.time_ns())
    writer = Markets()
    # Who opens the first page finds figures on it.
    writer.write()
    writer.start()
    yield writer
    writer.done.set()
    writer.join(5)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """What the browser complained of on `page`: errors of scripts, refused inline scripts and styles."""
    return []


@pytest.fixture
def page(browser: Browser, portal: Portal, markets: Markets, problems: list[str]) -> Iterator[Page]:
    """A page in a context of its own."""
    context = browser.new_context(base_url=portal.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()


@pytest.fixture
def desk_of(browser: Browser, portal: Portal, markets: Markets, problems: list[str]) -> Iterator[Callable[..., Page]]:
    """A signed-in page of one of the desk's people, in a browser of their own."""
    contexts: list[BrowserContext] = []

    def enter(name: str, **options: object) -> Page:
        contexts.append(browser.new_context(base_url=portal.url, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        sign_in(page, name, "/desk/review/")
        return page

    yield enter
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def operator_cookies(browser: Browser, portal: Portal) -> list[Any]:
    """The cookies of an operator who signed in once through the form."""
    context = browser.new_context(base_url=portal.url)
    sign_in(context.new_page(), "operator")
    cookies: list[Any] = context.cookies()
    context.close()
    return cookies


def sign_in(page: Page, name: str, to: str = "/desk/") -> None:
    """Through both forms, as a person does; the second factor is a recovery code, of which there are enough."""
    from tests.pages.stage import PASSWORD

    page.goto(f"/accounts/sign-in/?next={to}")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/second-factor/")
    page.fill("input[name=code]", recovery_code(name, next(CODES)))
    page.click("main button")
    page.wait_for_url(f"**{to}")
