"""What the tests stand on: one browser, and servers to look at."""

import os
import secrets
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from browser import Browser, Page
from testbed import Testbed
from testbed.daemon import Daemon, free_port
from wire import Wire


def program(name: str) -> Path:
    program = Path(os.environ.get("STASIS_BIN_DIR", ""), name)
    if not program.is_absolute() or not program.exists():
        pytest.exit(f"STASIS_BIN_DIR must name the folder with the built {name}", returncode=2)
    return program


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def testbed() -> Iterator[Testbed]:
    """A server on a containerd of its own."""
    with Testbed(program("stasis-server"), "stasis-browser") as testbed:
        yield testbed


@dataclass
class Served:
    """A server that can be looked at."""

    address: str
    key: str
    keys: Path | None = None
    restart: Callable[[], None] = lambda: None

    @property
    def ui(self) -> str:
        return f"http://{self.address}/ui/"

    @property
    def wire(self) -> Wire:
        return Wire(self.address, self.key)


@pytest.fixture(scope="session")
def real(testbed: Testbed) -> Served:
    return Served(testbed.server.address, testbed.server.key)


@contextmanager
def servers() -> Iterator[Callable[..., Served]]:
    """Starts servers whose sandboxes are in their memory only, as many as one likes, and ends them."""
    daemons: list[Daemon] = []
    folder = Path(tempfile.mkdtemp(prefix="stasis-browser-"))

    def start(*arguments: str) -> Served:
        port, key = free_port(), secrets.token_hex(8)
        keys = folder / f"keys-{port}"
        keys.write_text(key + "\n")
        configuration = folder / f"{port}.toml"
        configuration.write_text(f'[server]\nhost = "127.0.0.1"\nport = {port}\napi_key_file = "{keys}"\n[runtime]\ntype = "local"\n')

        def run() -> Daemon:
            command = [str(program("memory-server")), "--config", str(configuration), *arguments]
            daemon = Daemon("memory-server", command, folder / f"{port}.log", {"HOME": str(folder)})
            daemon.wait_until(lambda: answers(port))
            return daemon

        def restart() -> None:
            daemons[place].stop()
            daemons[place] = run()

        place = len(daemons)
        daemons.append(run())
        return Served(f"127.0.0.1:{port}", key, keys, restart)

    try:
        yield start
    finally:
        for daemon in daemons:
            daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def memory() -> Iterator[Callable[..., Served]]:
    with servers() as start:
        yield start


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def looking(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages, with the key typed in. At the end nothing may have been held against any of them."""
    pages: list[tuple[Page, str, str]] = []

    def look(served: Served, path: str = "", **how: object) -> Page:
        page = browser.page(**how)
        pages.append((page, f"http://{served.address}/", served.key))
        page.open(served.ui + path)
        enter(page, served.key)
        page.wait("document.querySelector('.link.good')")
        return page

    yield look
    for page, origin, key in pages:
        foreign = [address for address in page.requests if not address.startswith(origin) or key in address]
        complaints = page.complaints
        page.close()
        assert not foreign, "requests that leave the server, or tell the key"
        assert not complaints


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Page]]:
    with looking(browser) as look:
        yield look


def enter(page: Page, key: str) -> None:
    page.wait("document.querySelector('dialog input[type=password]') === document.activeElement && document.activeElement")
    page.type(key)
    page.press("Enter")


def row(text: str) -> str:
    """The row of a list that says something, as an expression."""
    return f"[...document.querySelectorAll('.rows .row')].find((row) => row.innerText.includes({text!r}))"


def select(page: Page, text: str) -> None:
    """Goes to a row with the arrow keys alone."""
    page.run("document.querySelector('[role$=grid]').focus()")
    page.press("Home")
    chosen = "document.querySelector('.row[aria-selected=true]')"
    for _ in range(50):
        if text in page.run(f"{chosen}?.innerText ?? ''"):
            return
        page.press("ArrowDown")
    raise AssertionError(f"no row says {text}")
