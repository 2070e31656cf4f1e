"""The page in front of a server that runs sandboxes: what it shows is so, and what it does is done. No mouse is used."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from browser import Page
from conftest import Served, row, select
from testbed import Shell, Testbed

RESPONDER = ["stasis-responder"]


@pytest.fixture(autouse=True)
def nothing_left(real: Served) -> Iterator[None]:
    yield
    for kind in ("sandboxes", "snapshots"):
        for item in real.wire.get(f"/v1/{kind}?pageSize=200").json["items"]:
            assert real.wire.send("DELETE", f"/v1/{kind}/{item['id']}").status == 204


def create(testbed: Testbed, real: Served, **more: Any) -> str:
    body = {
        "image": {"uri": testbed.image}, "entrypoint": RESPONDER, "resourceLimits": {"cpu": "500m", "memory": "128Mi"},
        "timeout": 3600, **more,
    }
    answer = real.wire.send("POST", "/v1/sandboxes", body)
    assert answer.status == 202, answer.body
    return answer.json["id"]


def shell(real: Served, sandbox: str) -> Shell:
    shell = Shell(real.wire.get(f"/v1/sandboxes/{sandbox}/endpoints/44772").json["endpoint"])
    shell.wait()
    return shell


def state(real: Served, sandbox: str) -> str:
    return real.wire.get(f"/v1/sandboxes/{sandbox}").json["status"]["state"]


def shows(page: Page, text: str, word: str) -> None:
    page.wait(f"{row(text)}?.querySelector('.word').innerText === {word!r}")


def test_a_life(testbed: Testbed, real: Served, look: Callable[..., Page]) -> None:
    page = look(real)
    page.wait("document.querySelector('.empty h2')?.innerText === 'No sandboxes'")
    sandbox = create(testbed, real, metadata={"project": "tea"}, env={"MARK": "of-the-first"})
    short = sandbox[:8]
    # It comes by itself, and says what is known of it.
    shows(page, short, "Running")
    assert "project=tea" in page.run(f"{row(short)}.innerText")
    assert page.run(f"{row(short)}.querySelector('.expires').innerText").startswith("59m")
    shell(real, sandbox).run("echo kept >/note")

    select(page, short)
    page.press("p")
    shows(page, short, "Paused")
    page.wait("document.getElementById('announcer').innerText.endsWith('is paused.')")
    assert state(real, sandbox) == "Paused"
    page.press("Enter")
    digest = real.wire.get(f"/v1/sandboxes/{sandbox}").json["artifact"]["parts"][0]["digest"]
    page.wait(f"document.querySelector('.details').innerText.includes({digest!r})")
    assert page.run("document.activeElement.tagName") == "H2"

    page.press("Escape")
    page.press("r")
    shows(page, short, "Running")
    assert shell(real, sandbox).run("cat /note") == "kept\n"

    page.press("f")
    page.wait("document.querySelector('dialog h2')?.innerText.startsWith('Fork')")
    page.press("Enter")
    page.wait("document.querySelectorAll('.rows .row').length === 2")
    page.wait("[...document.querySelectorAll('.note.good')].some((note) => note.innerText.includes('created from'))")
    fork = next(item["id"] for item in real.wire.get("/v1/sandboxes").json["items"] if item["id"] != sandbox)
    assert shell(real, fork).run("cat /note; echo $MARK") == "kept\nof-the-first\n"
    answer = real.wire.get(f"/v1/sandboxes/{fork}").json
    assert answer["metadata"] == {"project": "tea"} and answer["entrypoint"] == RESPONDER and "expiresAt" in answer
    # The snapshot that it came from was not asked for.
    page.wait("document.getElementById('snapshot-count').innerText === '0'")

    select(page, fork[:8])
    page.press("Delete")
    page.wait("document.querySelector('dialog')?.role === 'alertdialog' && document.activeElement.innerText === 'Cancel'")
    page.press("Enter")
    page.wait("!document.querySelector('dialog')")
    assert state(real, fork) == "Running"
    page.press("Delete")
    page.wait("document.querySelector('dialog')")
    page.press("Tab")
    page.press("Enter")
    page.wait("document.querySelectorAll('.rows .row').length === 1")


def test_snapshots_and_what_came_of_them(testbed: Testbed, real: Served, look: Callable[..., Page]) -> None:
    sandbox = create(testbed, real)
    page = look(real)
    shows(page, sandbox[:8], "Running")
    select(page, sandbox[:8])
    page.press("s")
    page.wait("document.querySelector('dialog input') === document.activeElement && document.activeElement")
    page.type("first")
    page.press("Enter")
    page.wait("[...document.querySelectorAll('.note.good')].some((note) => note.innerText.includes('is ready'))")
    page.press("2")
    shows(page, "first", "Ready")
    part = real.wire.get("/v1/snapshots").json["items"][0]["artifact"]["parts"][0]
    assert page.run(f"{row('first')}.querySelector('.layers').innerText") == str(part["layers"])
    assert page.run(f"{row('first')}.querySelector('.size').innerText").endswith("iB")

    # Another sandbox from it, and a snapshot of that one: the second is below the first.
    select(page, "first")
    page.press("f")
    page.wait("document.querySelector('dialog')")
    page.press("Enter")
    page.wait("[...document.querySelectorAll('.note.good')].some((note) => note.innerText.includes('created from'))")
    child = next(item["id"] for item in real.wire.get("/v1/sandboxes").json["items"] if item["id"] != sandbox)
    assert real.wire.send("POST", f"/v1/sandboxes/{child}/snapshots", {"name": "second"}).status == 202
    shows(page, "second", "Ready")
    assert page.run("[...document.querySelectorAll('.rows .row')].map((row) => row.ariaLevel).sort().join()") == "1,2"
    # Also when the sandbox between them is no more.
    assert real.wire.send("DELETE", f"/v1/sandboxes/{child}").status == 204
    page.wait("document.getElementById('sandbox-count').innerText === '1'")
    assert page.run(f"{row('second')}.ariaLevel") == "2"
    select(page, "second")
    page.press("Enter")
    page.wait("document.querySelector('.lineage')")
    assert page.run("[...document.querySelectorAll('.lineage li')].slice(-2).map((one) => one.innerText).join()") == "first,second"

    page.press("Escape")
    page.press("Delete")
    page.wait("document.querySelector('dialog')")
    page.press("Tab")
    page.press("Enter")
    page.wait(f"!{row('second')}")


def test_when_it_expires(testbed: Testbed, real: Served, look: Callable[..., Page]) -> None:
    sandbox = create(testbed, real)
    page = look(real, f"#/sandboxes/{sandbox}")
    page.wait("document.querySelector('.details h2')")
    select(page, sandbox[:8])
    page.press("e")
    page.wait("document.querySelector('dialog select') === document.activeElement && document.activeElement")
    page.press("End")
    page.press("Tab")
    page.press("Tab")
    page.press("Enter")
    page.wait(f"{row(sandbox[:8])}.querySelector('.expires').innerText.startsWith('6d')")
    end = real.wire.get(f"/v1/sandboxes/{sandbox}").json["expiresAt"]
    assert time.strftime("%Y-%m-%d", time.gmtime(time.time() + 7 * 86_400 - 600)) <= end


def test_what_is_refused_is_told(testbed: Testbed, real: Served, look: Callable[..., Page]) -> None:
    sandbox = create(testbed, real, timeout=None)
    page = look(real)
    shows(page, sandbox[:8], "Running")
    select(page, sandbox[:8])
    page.press("r")
    page.wait("document.querySelector('.note.bad[role=alert]')?.innerText.includes('Only a paused sandbox')")
    page.press("e")
    page.wait("[...document.querySelectorAll('.note.bad')].some((note) => note.innerText.includes('never expires'))")
    # What the page does not know, the server says.
    page.run(f"document.querySelector('.grid').focus()")
    page.press("Enter")
    page.wait("document.querySelector('.details h2')")
    assert page.run("document.querySelector('[data-does=resume]').ariaDisabled") == "true"
