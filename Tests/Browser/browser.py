"""A real browser, driven by its own DevTools protocol over a pipe: nothing is needed but Debian's chromium."""

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

#: How long anything may take that a test waits for, on a machine that others use as well.
PATIENCE = 60.0

_ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu",
    "--disable-dev-shm-usage", "--mute-audio", "--force-color-profile=srgb", "--hide-scrollbars",
]

_KEYS = {
    "Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "Tab": ("Tab", 9, ""), "Delete": ("Delete", 46, ""),
    "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, ""), "Home": ("Home", 36, ""),
    "End": ("End", 35, ""), "PageDown": ("PageDown", 34, ""), " ": ("Space", 32, " "),
}


class BrowserError(Exception):
    """Something that the browser did not do."""


class Browser:
    """A running chromium with a profile of its own. A context manager: leaving it leaves nothing."""

    def __enter__(self) -> "Browser":
        self._folder = tempfile.mkdtemp(prefix="stasis-browser-")
        down, up = os.pipe(), os.pipe()
        # The browser reads from its descriptor 3 and writes to 4.
        theirs = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (down[0], up[1])]
        for descriptor in (down[0], up[1]):
            os.close(descriptor)
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', "bash", "chromium"]
            + _ARGUMENTS + [f"--user-data-dir={self._folder}", "about:blank"],
            pass_fds=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        for descriptor in theirs:
            os.close(descriptor)
        self._write, self._read = os.fdopen(down[1], "wb"), os.fdopen(up[0], "rb")
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._answers: dict[int, Any] = {}
        self._pages: dict[str, "Page"] = {}
        self._is_over = False
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(20)
        self._write.close()
        self._read.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def page(self, width: int = 1280, height: int = 800, dark: bool = False) -> "Page":
        """A new page, whose session storage is its own."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, context)
        self._pages[session] = page
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            page.send(f"{domain}.enable")
        page.resize(width, height)
        page.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
        )
        return page

    def send(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        with self._changed:
            self._write.write(json.dumps(message).encode() + b"\0")
            self._write.flush()
            if not self._changed.wait_for(lambda: number in self._answers or self._is_over, PATIENCE):
                raise BrowserError(f"the browser does not answer {method}")
            answer = self._answers.pop(number, {"error": {"message": "the browser has ended"}})
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _listen(self) -> None:
        rest = b""
        while chunk := os.read(self._read.fileno(), 1 << 20):
            *messages, rest = (rest + chunk).split(b"\0")
            with self._changed:
                for text in messages:
                    message = json.loads(text)
                    if "id" in message:
                        self._answers[message["id"]] = message
                    elif page := self._pages.get(message.get("sessionId", "")):
                        page.note(message["method"], message["params"])
                self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


class Page:
    """One page. `requests` are the addresses that it has asked for, `complaints` what the browser held against it."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser = browser
        self._session = session
        self._context = context
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def send(self, method: str, **parameters: Any) -> Any:
        return self._browser.send(method, self._session, **parameters)

    def close(self) -> None:
        self._browser.send("Target.disposeBrowserContext", browserContextId=self._context)

    def note(self, method: str, event: dict[str, Any]) -> None:
        """Takes note of an event; called by the browser's thread."""
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and event["entry"]["source"] == "security":
            self.complaints.append(event["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.complaints.append(json.dumps(event["args"]))

    # What is there

    def open(self, address: str) -> None:
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def resize(self, width: int, height: int) -> None:
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, expression: str) -> Any:
        """The value of an expression; of a promise, what it resolves to."""
        answer = self.send(
            # What the page itself may not do, its tests may not either.
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, allowUnsafeEvalBlockedByCSP=False,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, expression: str, patience: float = PATIENCE) -> Any:
        """The value of an expression as soon as it is true."""
        end = time.monotonic() + patience
        while True:
            try:
                value = self.run(f"((value) => (value instanceof Node ? true : value))({expression})")
            except BrowserError:
                value = None  # The page is being replaced, or what is looked for is not there yet.
            if value:
                return value
            if time.monotonic() > end:
                shown = self.run("document.body.innerText")[:1500]
                raise AssertionError(f"did not become true: {expression}\nThe page shows:\n{shown}\n{self.complaints}")
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def accessible(self) -> list[dict[str, Any]]:
        """What those who do not see the page are told: role, name and properties of everything that is not ignored."""
        nodes = self.send("Accessibility.getFullAXTree")["nodes"]
        return [
            {
                "role": node["role"]["value"],
                "name": node.get("name", {}).get("value", ""),
                **{one["name"]: one["value"].get("value") for one in node.get("properties", [])},
            }
            for node in nodes
            if not node["ignored"]
        ]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    # What people do

    def press(self, key: str, shift: bool = False) -> None:
        """Presses a key, as somebody does who has no mouse."""
        name, code, text = _KEYS.get(key, (key, ord(key.upper()[0]), key))
        common = {"key": key, "code": name, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.send("Input.dispatchKeyEvent", **common, **down)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Clicks into the middle of an element, with a mouse."""
        find = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{find} !== null")
        self.run(f"{find}.scrollIntoView({{block: 'nearest'}})")
        box = self.run(f"(({{x, y, width, height}}) => ({{x: x + width / 2, y: y + height / 2}}))({find}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **box)
