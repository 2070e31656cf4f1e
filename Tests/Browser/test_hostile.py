"""Sandboxes whose words are meant to be read as something else."""

from collections.abc import Callable, Iterator

import pytest

from browser import Browser, Page
from conftest import Served, looking, select, servers

TEXTS = [
    '<img src=x onerror="window.harmed=1">',
    "\"'><script>window.harmed=1</script>",
    "javascript:window.harmed=1//</style><svg onload=window.harmed=1>",
    "${window.harmed=1}{{constructor.constructor('window.harmed=1')()}}",
    "../../../snapshots?x=#/snapshots/%00%ff\u202egnp.exe",
]


@pytest.fixture(scope="module")
def hostile(browser: Browser) -> Iterator[Page]:
    """A page in front of a server that has all of these, as everything that a text can be."""
    with servers() as serve, looking(browser) as look:
        yield look(serve("--sandboxes", "2", *(one for text in TEXTS for one in ("--everywhere", text))))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_text(text: str, hostile: Page) -> None:
    page = hostile
    elements = "document.querySelectorAll('img, script, iframe, object, style').length"
    before = page.run(elements)
    for view in ("2", "1"):
        page.press(view)
        page.wait("document.querySelectorAll('.rows .row').length > 2")
        select(page, text[:19])
        page.press("Enter")
        page.wait("document.querySelector('.details h2')")
        assert page.run("document.querySelector('.details h2').textContent") == text
        assert text in page.run("document.querySelector('.details .map').textContent")
        page.press("Escape")
        page.press("Delete")
        page.wait("document.querySelector('dialog')")
        assert text in page.run("document.querySelector('dialog').textContent")
        page.press("Escape")
        page.wait("!document.querySelector('dialog') && document.activeElement.role.endsWith('grid')")
    assert page.run(elements) == before
    # What is asked of the server is about this one and no other.
    page.press("p")
    page.wait("document.querySelector('.rows .row[aria-selected=true] .word').innerText === 'Paused'")
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
    for word in ("TrustedHTML", "TrustedScript", "connect-src"):
        assert any(word in text for text in page.complaints), page.complaints
    page.complaints.clear()
