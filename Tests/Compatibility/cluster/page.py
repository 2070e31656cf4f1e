"""Pages of the documentation, whose commands are run as they stand there."""

import os
import queue
import re
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class Page:
    """The commands of a page, by the headings that they stand under."""

    def __init__(self, name: str) -> None:
        self._sections: dict[str, list[str]] = {}
        text = (ROOT / "docs" / name).read_text()
        for part in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
            heading, _, rest = part.partition("\n")
            blocks = re.findall(r"^```sh\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)
            if blocks:
                self._sections[heading] = blocks

    def take(self, heading: str, values: Mapping[str, object] | None = None) -> list[str]:
        """The blocks under a heading, each of which is taken once; `values` are put in place of those that are defined there."""
        blocks = self._sections.pop(heading)
        for name, value in (values or {}).items():
            blocks = [re.sub(rf"^{name}=\S*", f"{name}='{value}'", block, flags=re.MULTILINE) for block in blocks]
            assert any(f"{name}='{value}'" in block for block in blocks), f"the page does not define {name}"
        return blocks

    @property
    def rest(self) -> list[str]:
        """The headings with commands that nobody has taken."""
        return list(self._sections)


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
