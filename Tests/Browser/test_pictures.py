"""Pictures of the page in all its states, for people to judge: PICTURES=FOLDER says where to. They are not kept."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from browser import Page
from conftest import Served, select

_FOLDER = os.environ.get("PICTURES", "")
pytestmark = pytest.mark.skipif(not _FOLDER, reason="PICTURES names no folder")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(1360, 820), (800, 700), (390, 760)])
def test_pictures(
    size: tuple[int, int], dark: bool, memory: Callable[..., Served], look: Callable[..., Page]
) -> None:
    folder = Path(_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)

    def picture(name: str) -> None:
        time.sleep(0.4)  # Until what moves has moved.
        page.picture(folder / f"{name}-{size[0]}-{'dark' if dark else 'light'}.png")

    served = memory("--sandboxes", "5000", "--new", "--capture-milliseconds", "6000")
    page = look(served, width=size[0], height=size[1], dark=dark)
    page.wait("document.getElementById('sandbox-count').innerText === '5,000'") if size[0] > 736 else None
    picture("sandboxes")
    select(page, "Running")
    page.press("p")
    page.press("Enter")
    page.wait("document.querySelector('.details progress')?.value > 0")
    picture("progress")
    page.press("Escape")
    page.press("ArrowDown")
    page.press("f")
    page.wait("document.querySelector('dialog')")
    picture("fork")
    page.press("Enter")
    page.wait("document.querySelector('.note progress')?.value > 0")
    picture("forking")
    page.wait("[...document.querySelectorAll('.note.good')].some((note) => note.innerText.includes('created from'))")
    page.press("Delete")
    page.wait("document.querySelector('dialog')")
    picture("delete")
    page.press("Escape")
    page.press("s")
    page.wait("document.querySelector('dialog')")
    page.press("Enter")
    page.press("2")
    page.wait("document.querySelector('.rows .row')")
    select(page, "")
    page.press("Enter")
    page.wait("document.querySelector('.details h2')")
    picture("snapshots")
    page.press("?", shift=True)
    page.wait("document.querySelector('dialog')")
    picture("help")
    page.press("Escape")
    page.press("/")
    page.type("nothing-like-it")
    page.wait("document.querySelector('.empty h2')")
    picture("nothing")
