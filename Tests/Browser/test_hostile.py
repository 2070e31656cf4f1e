"""Sandboxes whose words are meant to be read as something else."""

from collections.abc import Callable

import pytest

from browser import Page
from conftest import Served, select

TEXTS = [
    '<img src=x onerror="window.harmed=1">',
    "\"'><script>window.harmed=1</script>",
    "javascript:window.harmed=1//</style><svg onload=window.harmed=1>",
    "${window.harmed=1}{{constructor.constructor('window.harmed=1')()}}",
    "../../../snapshots?x=#/snapshots/%00%ff\u202egnp.exe",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_text(text: str, memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    served = memory("--sandboxes", "2", "--everywhere", text)
    page = look(served)
    before = page.run("document.querySelectorAll('img, script, iframe, object, style').length")
    for view in ("1", "2"):
        page.press(view)
        page.wait("document.querySelectorAll('.rows .row').length > 0")
        select(page, text[:19])
        page.press("Enter")
        page.wait("document.querySelector('.details h2')")
        assert page.text(".details h2") == text
        assert text in page.text(".details")
        page.press("Escape")
        page.press("Delete")
        page.wait("document.querySelector('dialog')")
        assert text in page.text("dialog")
        page.press("Escape")
        page.wait("!document.querySelector('dialog')")
    assert page.run("document.querySelectorAll('img, script, iframe, object, style').length") == before
    # A place that is linked to is the one that is meant.
    page.press("1")
    select(page, text[:19])
    page.press("Enter")
    page.press("p")  # Not in the list: nothing happens.
    page.press("Escape")
    page.wait("document.activeElement.role === 'grid'")
    page.press("p")
    page.wait("[...document.querySelectorAll('.rows .row[aria-selected=true] .word')].some((word) => word.innerText === 'Paused')")
    assert page.run("window.harmed ?? 0") == 0


def test_what_would_be_written_into_the_page_is_not_run(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    page = look(memory("--sandboxes", "1"))
    attempts = [
        "document.body.innerHTML = '<img src=x onerror=window.harmed=1>'",
        "eval('window.harmed = 1')",
        "new Function('window.harmed = 1')()",
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.harmed = 1'}))",
        "document.body.setAttribute('onclick', 'window.harmed = 1') ?? document.body.click()",
    ]
    for attempt in attempts:
        page.run(f"(() => {{ try {{ {attempt}; }} catch (error) {{ return error.name; }} }})()")
    # The browser says of each what it forbids; nothing of it was done, and nobody else was asked.
    assert page.run("window.harmed ?? 0") == 0
    assert page.run("fetch('http://127.0.0.2:1/').then(() => 'went', () => 'forbidden')") == "forbidden"
    assert any("connect-src" in text for text in page.complaints), page.complaints
    page.complaints.clear()
