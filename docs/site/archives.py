"""The documentation of the libraries as DocC understands it: its warnings, and the pages of its archives."""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

# Parameters that say enough by their names are not described; DocC would rather have all of them, or none.
TOLERATED = "is missing documentation. Document '"


@dataclass
class Symbol:
    """A declaration, or a whole library: one page of an archive."""

    data: dict[str, Any]

    @cached_property
    def identifier(self) -> str:
        return self.data["identifier"]["url"]

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The names that lead to it, the library's first."""
        return tuple(self.data["variants"][0]["paths"][0].removeprefix("/documentation/").split("/"))

    @property
    def title(self) -> str:
        return self.data["metadata"]["title"]

    @property
    def name(self) -> str:
        """Its name within what it belongs to."""
        words = self.data["metadata"].get("navigatorTitle") or self.data["metadata"].get("fragments")
        if not words or self.data["metadata"]["symbolKind"] in ("op", "subscript"):
            return self.title
        return next((word["text"] for word in words if word["kind"] == "identifier"), self.title)

    @property
    def external(self) -> str:
        """What the compiler calls it: the same in all libraries."""
        return self.data["metadata"].get("externalID", "")

    @property
    def is_only_inherited(self) -> bool:
        """Whether it does what a protocol of somebody else asks for, and nothing is said about it here."""
        abstract = self.data.get("abstract") or [{}]
        return abstract[0].get("text") == "Inherited from "

    def reference(self, identifier: str) -> dict[str, Any]:
        return self.data["references"].get(identifier, {})


class Archive:
    """What DocC has made of one library."""

    def __init__(self, library: str, folder: Path) -> None:
        self.library = library
        pages = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((folder / "data" / "documentation").rglob("*.json"))]
        # Those without a kind list what a protocol gives by itself.
        symbols = [Symbol(page) for page in pages if page["metadata"].get("symbolKind")]
        self.symbols = {symbol.identifier: symbol for symbol in symbols}
        self.root = next(symbol for symbol in symbols if len(symbol.path) == 1)

    @property
    def outermost(self) -> list[Symbol]:
        """What belongs to the library itself, and to nothing else in it."""
        return sorted((symbol for symbol in self.symbols.values() if len(symbol.path) == 2), key=lambda symbol: symbol.title.lower())


def convert(libraries: list[str], sources: Path, graphs: Path, scratch: Path) -> tuple[list[Archive], list[str]]:
    """The archives of libraries, and what DocC complains of. `graphs` has what the compiler wrote of their symbols."""

    def one(library: str) -> list[str]:
        own = scratch / "graphs" / library
        own.mkdir(parents=True)
        for graph in [*graphs.glob(f"{library}.symbols.json"), *graphs.glob(f"{library}@*.symbols.json")]:
            shutil.copy(graph, own)
        if not any(own.iterdir()):
            return [f"{library}: the compiler has written nothing of its symbols to {graphs}"]
        catalog = sources / library / f"{library}.docc"
        done = subprocess.run(
            ["docc", "convert", *([catalog] if catalog.is_dir() else []), "--additional-symbol-graph-dir", own]
            + ["--output-dir", scratch / library, "--fallback-display-name", library, "--fallback-bundle-identifier", library]
            + ["--fallback-default-module-kind", "Library", "--no-transform-for-static-hosting", "--ide-console-output"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        found = [] if catalog.is_dir() else [f"{library}: there is no {catalog.relative_to(sources.parent)}"]
        found += [line for line in done.stdout.splitlines() if " warning: " in line and TOLERATED not in line]
        if done.returncode:
            found.append(f"{library}: docc convert failed: {done.stdout.strip()}")
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [line.replace(f"{sources.parent}/", "") for lines in pool.map(one, libraries) for line in lines]
    made = [library for library in libraries if (scratch / library / "data" / "documentation").is_dir()]
    return [Archive(library, scratch / library) for library in made], found
