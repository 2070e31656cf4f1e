#!/usr/bin/env python3
"""check.py FOLDER: checks a finished site: that its links lead somewhere, and that nothing is loaded from outside."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote

EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Reading(HTMLParser):
    """What a finished page has and refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.identifiers: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.identifiers.add(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif "src" in values or "href" in values:
            self.resources.append(values.get("src") or values["href"])


def complaints(folder: Path) -> list[str]:
    """What is wrong with the site, a line each."""
    pages = {
        file.relative_to(folder).as_posix(): Reading(file.read_text(encoding="utf-8")) for file in sorted(folder.rglob("*.html"))
    }
    found = []
    for name, page in pages.items():
        for resource in page.resources:
            if EXTERNAL.match(resource) or resource.startswith("//"):
                found.append(f"{name}: {resource} would be loaded from outside")
            elif not (folder / name).parent.joinpath(resource).is_file():
                found.append(f"{name}: {resource}: no such file")
        for link in page.links:
            if EXTERNAL.match(link):
                continue
            path, _, fragment = (unquote(part) for part in link.partition("#"))
            target = normpath(PurePosixPath(name).parent / path) if path else name
            if target not in pages:
                found.append(f"{name}: {link}: no such page")
            elif fragment and fragment not in pages[target].identifiers:
                found.append(f"{name}: {link}: no such heading")
    return found


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    found = complaints(Path(sys.argv[1]))
    for line in found:
        print(f"docs: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
