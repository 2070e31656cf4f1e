#!/usr/bin/env python3
"""build.py FOLDER [GRAPHS LIBRARY...]: makes a static site of the repository's Markdown pages, and checks it.

GRAPHS is a folder with what the compiler writes of the symbols of libraries. Those that are named get their pages, by DocC.
The site needs nothing from outside: no scripts, no fonts. docs/README.md has the order of the pages; those that it does not name are
listed last. Links to files that are no pages become their paths, since the site does not have them.
"""

import html
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

import layout
from archives import Archive, convert
from check import EXTERNAL, complaints
from libraries import FOLDER, Libraries

ROOT = Path(__file__).resolve().parents[2]
ORDER = ROOT / "docs" / "README.md"
LIBRARIES = ROOT / "docs" / "libraries.md"
# What pages say to the tests that run their commands.
REMARK = re.compile(r"^<!--.*?-->\n", re.MULTILINE)


@dataclass
class Page:
    """A page of Markdown and what becomes of it."""

    source: Path
    name: str
    title: str = ""
    label: str = ""
    content: str = ""
    outline: list[tuple[str, str]] = field(default_factory=list)


def name_of(source: Path) -> str:
    """The file of the site that a page becomes."""
    if source == ROOT / "README.md":
        return "index.html"
    if source == ORDER:
        return "pages.html"
    return source.stem.lower() + ".html"


def anchor(text: str) -> str:
    """What a forge makes of a heading, and scripts/check-links expects."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def plain(token: Token) -> str:
    """The text of a heading, without its marks."""
    return "".join(child.content for child in token.children or [] if child.type in ("text", "code_inline"))


class Site:
    """All pages, and the complaints about them."""

    def __init__(self, archives: list[Archive]) -> None:
        self.libraries = Libraries(archives)
        # A catalog's own page is the library's.
        self.landings = {
            ROOT / "Sources" / name / f"{name}.docc" / f"{name}.md": f"{FOLDER}/{Libraries.page_of(name)}"
            for name in (archive.library for archive in archives)
        }
        sources = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
        self.pages = {source: Page(source, name_of(source)) for source in sources}
        self.pictures: set[Path] = set()
        self.complaints: list[str] = []
        self.markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    def render(self) -> None:
        """Makes the content of every page."""
        for page in self.pages.values():
            tokens = self.markdown.parse(REMARK.sub("", page.source.read_text(encoding="utf-8")))
            self.mark_headings(page, tokens)
            for token in tokens:
                for child in token.children or []:
                    self.lead(page, child)
                    # A flag or a name is not broken at its hyphens.
                    if child.type == "code_inline" and len(child.content) < 36 and " " not in child.content:
                        child.attrSet("class", "one")
            self.name_files(tokens)
            body = self.markdown.renderer.render(tokens, self.markdown.options, {})
            body = body.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
            head, end, rest = body.partition("</h1>")
            page.content = head + end + self.table_of_contents(page) + rest if end else body

    def mark_headings(self, page: Page, tokens: list[Token]) -> None:
        """Gives headings their anchors, and the page its title."""
        taken: dict[str, int] = {}
        for token, inline in zip(tokens, tokens[1:]):
            if token.type != "heading_open":
                continue
            text = plain(inline)
            identifier = anchor(text)
            taken[identifier] = taken.get(identifier, -1) + 1
            if taken[identifier]:
                identifier += f"-{taken[identifier]}"
            token.attrSet("id", identifier)
            if token.tag == "h1":
                page.title = page.title or text
                continue
            if token.tag == "h2":
                page.outline.append((identifier, text))
            mark = Token("html_inline", "", 0)
            mark.content = f'<a class="anchor" href="#{quote(identifier)}" aria-label="Link to {html.escape(text)}">#</a>'
            inline.children = [*(inline.children or []), mark]

    def lead(self, page: Page, token: Token) -> None:
        """Has a link or a picture lead to what the site has."""
        if token.type == "image":
            source = (page.source.parent / unquote(str(token.attrGet("src")))).resolve()
            if source.is_file() and source.is_relative_to(ROOT / "docs"):
                self.pictures.add(source)
                token.attrSet("src", source.relative_to(ROOT / "docs").as_posix())
            else:
                self.complain(page, f"the picture {token.attrGet('src')} is not in docs")
        if token.type != "link_open":
            return
        target = str(token.attrGet("href"))
        if EXTERNAL.match(target) or target.startswith("#"):
            return
        path, _, fragment = target.partition("#")
        file = (page.source.parent / unquote(path)).resolve()
        if file == ROOT / "docs":
            file = ORDER
        if other := self.pages.get(file):
            token.attrSet("href", other.name + (f"#{fragment}" if fragment else ""))
        elif landing := self.landings.get(file):
            token.attrSet("href", landing)
        elif not file.exists():
            self.complain(page, f"{target}: no such file")
        else:
            token.meta["file"] = file.relative_to(ROOT).as_posix()

    @staticmethod
    def name_files(tokens: list[Token]) -> None:
        """Makes links to files that are no pages their names."""
        for token in tokens:
            ends: list[bool] = []
            for child in token.children or []:
                if child.type == "link_open":
                    file = child.meta.get("file")
                    ends.append(file is not None)
                    if file is not None:
                        child.tag = "span"
                        child.attrs = {"class": "file", "title": f"{file} in the repository"}
                elif child.type == "link_close" and ends.pop():
                    child.tag = "span"

    @staticmethod
    def table_of_contents(page: Page) -> str:
        """What is on the page, where that is much."""
        if len(page.outline) < 4:
            return ""
        entries = "".join(f'<li><a href="#{quote(name)}">{html.escape(text)}</a></li>' for name, text in page.outline)
        return f'<details class="toc"><summary>On this page</summary><ul>{entries}</ul></details>'

    def sections(self) -> list[tuple[str, list[Page]]]:
        """The pages in the order of docs/README.md, under its headings."""
        found: list[tuple[str, list[Page]]] = []
        seen: set[Path] = set()
        for token, inline in zip(*[self.markdown.parse(ORDER.read_text(encoding="utf-8"))[start:] for start in (0, 1)]):
            if token.type == "heading_open" and token.tag == "h2":
                found.append((plain(inline), []))
            children = inline.children or [] if found else []
            for child, text in zip(children, children[1:]):
                target = str(child.attrGet("href") or "").partition("#")[0]
                file = (ORDER.parent / target).resolve()
                if child.type == "link_open" and target and file in self.pages and file not in seen:
                    seen.add(file)
                    self.pages[file].label = text.content
                    found[-1][1].append(self.pages[file])
        rest = [page for file, page in self.pages.items() if file not in seen | {ORDER, ROOT / "README.md"}]
        return [section for section in [*found, ("Other pages", rest)] if section[1]]

    def navigation(self, current: Page) -> str:
        """The list of all pages, as it stands on one."""
        lines = []
        for heading, pages in [("", [self.pages[ROOT / "README.md"], self.pages[ORDER]]), *self.sections()]:
            lines.append(f"<h2>{html.escape(heading)}</h2>" if heading else "")
            lines.append("<ul>")
            for page in pages:
                here = ' aria-current="page"' if page is current else ""
                title = "Overview" if page.name == "index.html" else page.label or page.title
                lines.append(f'<li><a href="{page.name}"{here}>{html.escape(title)}</a></li>')
            lines.append("</ul>")
        return "\n".join(lines)

    def write(self, folder: Path) -> int:
        """Writes all files, and says how many pages there are."""
        folder.mkdir(parents=True, exist_ok=True)
        for page in self.pages.values():
            title = page.title if page.name == "index.html" else f"{page.title} · Stasis"
            (folder / page.name).write_text(layout.page(title, page.content, self.navigation(page)), encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("style.css"), folder / "style.css")
        for picture in self.pictures:
            copy = folder / picture.relative_to(ROOT / "docs")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, copy)
        count = self.libraries.write(folder, name_of(LIBRARIES)) if self.libraries.archives else 0
        return len(self.pages) + count

    def complain(self, page: Page, text: str) -> None:
        """Remembers what is wrong with a page."""
        self.complaints.append(f"{page.source.relative_to(ROOT)}: {text}")


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 64
    folder, libraries = Path(sys.argv[1]), sys.argv[3:]
    archives: list[Archive] = []
    found: list[str] = []
    if libraries:
        with tempfile.TemporaryDirectory() as scratch:
            archives, found = convert(sorted(libraries), ROOT / "Sources", Path(sys.argv[2]), Path(scratch))
    site = Site(archives)
    site.render()
    count = site.write(folder)
    found += site.complaints + site.libraries.complaints + complaints(folder)
    for line in found:
        print(f"docs: {line}", file=sys.stderr)
    print(f"docs: {count} pages in {folder}; begin with {folder / 'index.html'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
