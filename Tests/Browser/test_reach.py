"""Who does not see the page, or has no mouse."""

from collections.abc import Callable
from typing import Any

import pytest

from browser import Page
from conftest import Served, select

#: What can be used has to have a name.
USABLE = {"button", "link", "searchbox", "textbox", "spinbutton", "checkbox", "combobox", "grid", "treegrid", "dialog", "alertdialog", "progressbar"}


def named(page: Page) -> list[dict[str, Any]]:
    nodes = page.accessible()
    nameless = [node for node in nodes if node["role"] in USABLE and not node["name"].strip()]
    assert not nameless
    return nodes


def test_the_page_is_told_as_it_is_seen(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    served = memory("--sandboxes", "40", "--new")
    page = look(served)
    page.wait("document.querySelectorAll('.rows .row').length > 5")
    nodes = named(page)
    roles = [(node["role"], node["name"]) for node in nodes]
    assert ("grid", "Sandboxes") in roles and ("searchbox", "Filter") in roles
    assert [name for role, name in roles if role == "columnheader"] == ["State", "Sandbox", "From", "Age", "Expires", "Pauses", "Action"]
    assert ("navigation", "Lists") in roles and ("main", "") in roles and ("banner", "") in roles
    assert [name for role, name in roles if role == "heading"] == ["Stasis"]
    rows = [node for node in nodes if node["role"] == "row"]
    assert any("Running" in node["name"] and "project=demo" in node["name"] for node in rows), rows[:3]
    # States are words; their shapes and colours say nothing that these do not.
    assert not any(role in ("image", "img", "graphics-symbol") for role, _ in roles)

    page.run("document.querySelector('[role=grid]').focus()")
    page.press("ArrowDown")
    page.press("Enter")
    page.wait("document.querySelector('.details h2')")
    nodes = named(page)
    assert any(node["role"] == "complementary" and node["name"] == "Details" for node in nodes)
    assert any(node["role"] == "row" and node.get("selected") for node in nodes)
    page.press("Escape")
    for key in ("f", "s", "e", "Delete"):
        page.press(key)
        page.wait("document.querySelector('dialog')")
        assert any(node["role"] in ("dialog", "alertdialog") and node.get("modal") for node in named(page))
        page.press("Escape")
        page.wait("!document.querySelector('dialog') && document.activeElement.role === 'grid'")


def test_everything_is_reached_with_the_tabulator(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    page = look(memory("--sandboxes", "40"))
    page.wait("document.querySelectorAll('.rows .row').length > 5")
    page.run("document.querySelector('[role=grid]').focus()")
    page.press("ArrowDown")
    page.press("Enter")
    page.wait("document.activeElement.tagName === 'H2'")
    page.run("document.activeElement.blur()")
    seen: list[str] = []
    where = """(({activeElement: one}) => {
        const style = getComputedStyle(one);
        const ring = one.matches('[role=grid]') ? getComputedStyle(document.querySelector('.list'), '::after').borderTopStyle : style.outlineStyle;
        const {width, height} = one.getBoundingClientRect();
        const isAgain = window.walked.has(one);
        window.walked.add(one);
        return {isAgain, name: (one.ariaLabel ?? (one.innerText || one.id)).trim(), isSeen: ring !== 'none' && width > 0 && height > 0};
    })(document)"""
    page.run("window.walked = new Set([document.body])")
    page.run("document.getElementById('skip').focus()")
    for _ in range(40):
        place = page.run(where)
        if place["isAgain"]:
            break
        assert place["isSeen"], place
        seen.append(place["name"].split("\n")[0])
        page.press("Tab")
    wanted = [
        "Skip to the list", "Sandboxes", "Snapshots", "Forget key", "Help", "filter", "Running", "Paused", "Sandboxes",
        "State", "Sandbox", "Age", "Expires", "Close the details", "Copy", "Pause", "Resume", "Snapshot", "Fork",
        "Expiry", "Delete", "Events", "Log",
    ]
    starts = [next((name for name in wanted if one.startswith(name)), one) for one in seen]
    assert set(wanted) <= set(starts), seen
    assert starts.index("filter") < starts.index("State") < starts.index("Close the details")


def test_keys_can_be_turned_off(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    page = look(memory("--sandboxes", "1"))
    page.press("?", shift=True)
    page.wait("document.querySelector('dialog input[type=checkbox]') === document.activeElement && document.activeElement")
    page.press(" ")
    page.press("Enter")
    page.wait("!document.querySelector('dialog')")
    page.press("2")
    page.press("/")
    assert page.run("location.hash").endswith("snapshots") is False
    assert page.run("document.activeElement.id") != "filter"


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_written_can_be_read(dark: bool, memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    """Contrasts of texts, 4.5 to 1 and more (WCAG 2, AA), as they are drawn and not as they are meant."""
    page = look(memory("--sandboxes", "8", "--new"), dark=dark)
    page.wait("document.querySelectorAll('.rows .row').length > 5")
    select(page, "Paused")
    page.press("Enter")
    page.wait("document.querySelector('.details h2')")
    weak = page.run(
        """(() => {
            const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d', {willReadFrequently: true});
            const rgb = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
            const light = (color) => { const [r, g, b] = [...rgb(color)].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const ground = (one) => { for (let at = one; at; at = at.parentElement) { const color = getComputedStyle(at).backgroundColor; if (rgb(color)[3] > 250) return color; } return 'white'; };
            const weak = [];
            for (const one of document.querySelectorAll('body *')) {
                if (![...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
                if (!one.checkVisibility() || one.closest('.sr, .skip, [aria-disabled=true], noscript')) continue;
                const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
                const contrast = (a + 0.05) / (b + 0.05);
                if (contrast < 4.5) weak.push(`${one.tagName}.${one.className}: ${contrast.toFixed(2)} (${one.textContent.slice(0, 20)})`);
            }
            return [...new Set(weak)];
        })()"""
    )
    assert weak == []


def test_nothing_is_cut_off(memory: Callable[..., Served], look: Callable[..., Page]) -> None:
    page = look(memory("--sandboxes", "8"))
    page.wait("document.querySelectorAll('.rows .row').length > 5")
    outside = (
        "[...document.querySelectorAll('button, a:not(.skip), input')].filter((one) => one.checkVisibility()"
        " && !one.closest('.rows') && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.innerText)"
    )
    for width in (320, 390, 700, 1024, 1920):
        page.resize(width, 700)
        for view in ("1", "2", "1"):
            page.press(view)
            page.wait(f"innerWidth === {width} && document.documentElement.scrollWidth <= innerWidth")
            page.wait("document.querySelector('.grid').scrollWidth <= document.querySelector('.grid').clientWidth")
            assert page.run(outside) == [], width
