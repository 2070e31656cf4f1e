"""Pages of the documentation, whose commands are run as they stand there."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from pages import DRAWN, ROOT, Block, blocks


class Page:
    """The blocks of a page that are to be run, by the headings that they stand under: see scripts/check-commands."""

    def __init__(self, name: str) -> None:
        text = (ROOT / "docs" / name).read_text()
        self._blocks = [block for block in blocks(text) if block.language and block.language not in DRAWN and not block.not_run]

    def take(self, heading: str, values: Mapping[str, object] | None = None, language: str = "sh") -> list[str]:
        """The blocks under a heading, each of which is taken once; `values` are put in place of those that are defined there."""
        return self._taken(lambda block: (block.heading, block.language) == (heading, language), values)

    def everything(self, language: str, values: Mapping[str, object] | None = None) -> list[str]:
        """All blocks in a language."""
        return self._taken(lambda block: block.language == language, values)

    def _taken(self, wanted: Callable[[Block], bool], values: Mapping[str, object] | None) -> list[str]:
        taken = [block.text for block in self._blocks if wanted(block)]
        assert taken, "the page has no such block any more"
        self._blocks = [block for block in self._blocks if not wanted(block)]
        for name, value in (values or {}).items():
            taken = [re.sub(rf"^{name}=\S*", f"{name}='{value}'", block, flags=re.MULTILINE) for block in taken]
            assert any(f"{name}='{value}'" in block for block in taken), f"the page does not define {name}"
        return taken

    @property
    def rest(self) -> list[str]:
        """The headings with blocks that nobody has taken."""
        return [f"{block.heading} ({block.language})" for block in self._blocks]


def replaced(text: str, values: Mapping[str, object]) -> str:
    """A block with other words in place of some, each of which has to be there."""
    for said, here in values.items():
        assert said in text, f"the page does not say {said}"
        text = text.replace(said, str(here))
    return text


class PageShell:
    """One shell in which commands of pages are run, block by block. A context manager."""

    _MARK = "== the block has ended =="

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"], cwd=folder, text=True, env=os.environ | environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.run("set -euo pipefail")

    def __enter__(self) -> "PageShell":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, *blocks: str, seconds: float = 150) -> str:
        """What blocks print. Each of their commands has to succeed."""
        printed = []
        for block in blocks:
            assert self._process.stdin
            self._process.stdin.write(f"{block}\necho; echo '{self._MARK}'\n")
            self._process.stdin.flush()
            while True:
                try:
                    line = self._lines.get(timeout=seconds)
                except queue.Empty:
                    raise AssertionError(f"nothing for {seconds:.0f} s from\n{block}\n{''.join(printed)[-5000:]}") from None
                assert line is not None, f"a command has failed of\n{block}\n{''.join(printed)[-5000:]}"
                if line.rstrip("\n") == self._MARK:
                    break
                printed.append(line)
        return "".join(printed)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)
