"""The key, and what becomes of the page when the server does not let it in or is not there."""

from collections.abc import Callable

from browser import Browser, Page
from conftest import Served, enter, row


def test_the_key_is_kept_by_the_tab_alone(memory: Callable[..., Served], look: Callable[..., Page], browser: Browser) -> None:
    served = memory("--sandboxes", "3")
    page = look(served)
    assert page.run("Object.values(sessionStorage).join()") == served.key
    assert page.run("localStorage.length + document.cookie.length") == 0
    assert served.key not in page.run("location.href + document.documentElement.outerHTML")
    # It is still there after a reload, and not in another tab.
    page.send("Page.reload")
    page.wait("document.querySelectorAll('.rows .row').length === 3")
    other = browser.page()
    other.open(served.ui)
    other.wait("document.querySelector('dialog input[type=password]')")
    assert other.run("document.querySelectorAll('.rows .row').length") == 0
    # A key that is none is told to be none.
    enter(other, "wrong")
    other.wait("document.querySelector('dialog')?.innerText.includes('does not let this key in')")
    other.press("Escape")
    assert other.run("document.querySelectorAll('dialog[open]').length") == 1
    other.close()
    page.click("#sign-out")
    page.wait("document.querySelector('dialog input[type=password]')")
    assert page.run("sessionStorage.length + document.querySelectorAll('.rows .row').length") == 0


def test_a_key_that_is_taken_away(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    served = memory("--sandboxes", "3")
    page = look(served)
    page.wait("document.querySelectorAll('.rows .row').length === 3")
    served.keys.write_text("another-key\n")
    page.wait("document.querySelector('dialog input[type=password]')")
    assert page.run("document.querySelectorAll('.rows .row').length") == 0
    enter(page, "another-key")
    page.wait("document.querySelectorAll('.rows .row').length === 3")


def test_a_server_that_goes_and_comes_back(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    served = memory("--sandboxes", "3")
    page = look(served)
    page.wait("document.querySelectorAll('.rows .row').length === 3")
    before = page.run("document.querySelector('.rows .row .id').innerText")
    # Its sandboxes are others then: what is no more is not shown any longer.
    served.restart()
    page.wait(f"!{row(before)} && document.querySelectorAll('.rows .row').length === 3")
    page.wait("document.querySelector('.link.good') && document.getElementById('banner').hidden")


def test_progress_is_told_as_it_is_made(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    served = memory("--sandboxes", "1", "--capture-milliseconds", "5000")
    sandbox = served.wire.get("/v1/sandboxes").json["items"][0]["id"]
    if served.wire.get(f"/v1/sandboxes/{sandbox}").json["status"]["state"] == "Paused":
        assert served.wire.send("POST", f"/v1/sandboxes/{sandbox}/resume").status == 202
    page = look(served, f"#/sandboxes/{sandbox}")
    page.wait("document.querySelector('.details progress')")
    page.run("window.seen = new Set()")
    page.run(
        "new MutationObserver(() => window.seen.add(document.querySelector('.rows .percent').innerText))"
        ".observe(document.querySelector('.rows'), {subtree: true, childList: true, characterData: true})"
    )
    assert served.wire.send("POST", f"/v1/sandboxes/{sandbox}/pause").status == 202
    page.wait("document.querySelector('.details progress').value > 0 && !document.querySelector('.details progress').hidden")
    page.wait("document.querySelector('.rows .word').innerText === 'Paused'")
    assert page.run("[...window.seen].filter((text) => text.endsWith('%')).length") >= 2
    assert page.run("document.querySelector('.details progress').hidden")
