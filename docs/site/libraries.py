"""The pages of the libraries: one for each, and one for each of its types with all that belongs to it."""

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import layout
from archives import Archive, Symbol
from prose import Prose

FOLDER = "api"
INNER_TYPES = {"Classes", "Protocols", "Structures", "Enumerations"}
# What the compiler adds by itself.
IMPLIED = {"Swift.SendableMetatype", "Swift.Copyable", "Swift.Escapable"}


@dataclass
class Place:
    """Where a symbol is described."""

    page: str
    anchor: str = ""

    def seen_from(self, page: str) -> str:
        """The link from a page in the same folder."""
        fragment = f"#{quote(self.anchor)}" if self.anchor else ""
        return fragment or self.page if page == self.page else self.page + fragment


@dataclass
class Libraries:
    """All libraries, and where each of their symbols is described."""

    archives: list[Archive]
    complaints: list[str] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken: set[str] = set()
        for archive in self.archives:
            self._settle(archive.root, Place(self.page_of(archive.library)))
            for outermost in archive.outermost:
                stem = ".".join(re.sub(r"\W+", "-", part).strip("-") or "operator" for part in outermost.path)
                name, count = f"{stem}.html", 1
                while name in taken:
                    count += 1
                    name = f"{stem}-{count}.html"
                taken.add(name)
                for symbol in archive.symbols.values():
                    if symbol.path[:2] == outermost.path:
                        self._settle(symbol, Place(name, "/".join(symbol.path[2:])))

    @staticmethod
    def page_of(library: str) -> str:
        return f"{library.lower()}.html"

    def _settle(self, symbol: Symbol, place: Place) -> None:
        self.places[symbol.identifier] = place
        if symbol.external:
            self.places.setdefault(symbol.external, place)
            # What another archive calls it.
            self.places.setdefault(symbol.external.replace(":", ""), place)

    def place(self, identifier: str) -> Place | None:
        """Where a symbol is described, by its identifier in an archive or by the compiler's name."""
        return self.places.get(identifier) or self.places.get(identifier.rpartition("/")[2] if "/s" in identifier else "")

    def write(self, folder: Path, start: str) -> int:
        """Writes all pages below the site's folder, and says how many. `start` is the page that lists the libraries."""
        target = folder / FOLDER
        target.mkdir()
        count = 0
        for archive in self.archives:
            pages = [(self.page_of(archive.library), archive.root, self._landing(archive))]
            pages += [(self.places[symbol.identifier].page, symbol, self._outermost(archive, symbol)) for symbol in archive.outermost]
            for name, symbol, content in pages:
                title = f"{symbol.title} · {archive.library} · Stasis" if symbol is not archive.root else f"{archive.library} · Stasis"
                text = layout.page(title, content, self._navigation(archive, symbol, start), up="../")
                (target / name).write_text(text, encoding="utf-8")
                count += 1
        return count

    def _prose(self, symbol: Symbol, page: str) -> Prose:
        def resolve(identifier: str) -> str | None:
            place = self.place(identifier)
            return html.escape(place.seen_from(page)) if place else None

        return Prose(symbol, resolve, self.complaints.append)

    def _navigation(self, archive: Archive, current: Symbol, start: str) -> str:
        """The libraries, and what is in this one."""
        lines = ["<ul>", '<li><a href="../index.html">Overview</a></li>', f'<li><a href="../{start}">All libraries</a></li>', "</ul>"]
        for other in self.archives:
            here = ' aria-current="page"' if current is other.root else ""
            lines.append(f'<ul><li><a href="{self.page_of(other.library)}"{here}>{other.library}</a>')
            if other is archive:
                lines.append('<ul class="inner">')
                for title, symbols in self._topics(archive):
                    lines.append(f'<li class="topic">{html.escape(title)}</li>')
                    for symbol in symbols:
                        here = ' aria-current="page"' if symbol is current else ""
                        name = html.escape(symbol.title.partition("(")[0], quote=False)
                        lines.append(f'<li><a href="{self.places[symbol.identifier].page}"{here}>{name}</a></li>')
                lines.append("</ul>")
            lines.append("</li></ul>")
        return "\n".join(lines)

    def _topics(self, archive: Archive) -> list[tuple[str, list[Symbol]]]:
        """What is in a library, as its own page orders it."""
        topics: list[tuple[str, list[Symbol]]] = []
        for section in archive.root.data.get("topicSections", []):
            symbols = [archive.symbols[name] for name in section["identifiers"] if name in archive.symbols]
            if symbols := [symbol for symbol in symbols if len(symbol.path) == 2]:
                topics.append((section["title"], symbols))
        return topics

    def _landing(self, archive: Archive) -> str:
        """The page of a library: what it is for, then its types by topic."""
        page = self.page_of(archive.library)
        prose = self._prose(archive.root, page)
        lines = ['<p class="role">Library</p>', f"<h1>{archive.library}</h1>", f"<p>{prose.inline(archive.root.data.get('abstract', []))}</p>"]
        lines += self._content(archive.root, prose, 2)
        for title, symbols in self._topics(archive):
            lines.append(f'<h2>{html.escape(title)}</h2><dl class="symbols">')
            for symbol in symbols:
                abstract = prose.inline(archive.root.reference(symbol.identifier).get("abstract", []))
                lines.append(f"<dt>{prose.link(symbol.identifier, symbol.title)}</dt><dd>{abstract}</dd>")
            lines.append("</dl>")
        return "\n".join(lines)

    def _outermost(self, archive: Archive, symbol: Symbol) -> str:
        """The page of a type, or of a function that belongs to none."""
        page = self.places[symbol.identifier].page
        role = html.escape(symbol.data["metadata"]["roleHeading"])
        library = f'<a href="{self.page_of(archive.library)}">{archive.library}</a>'
        lines = [f'<p class="role">{library} · {role}</p>', f"<h1>{html.escape(symbol.title, quote=False)}</h1>"]
        return "\n".join(lines + self._described(archive, symbol, page, 2))

    def _described(self, archive: Archive, symbol: Symbol, page: str, level: int) -> list[str]:
        """All that is said of a symbol, and of what is in it."""
        prose = self._prose(symbol, page)
        lines = []
        for section in symbol.data.get("primaryContentSections", []):
            if section["kind"] == "declarations":
                lines += [prose.declaration(declaration["tokens"]) for declaration in section["declarations"]]
        if abstract := symbol.data.get("abstract"):
            lines.append(f"<p>{prose.inline(abstract)}</p>")
        lines += self._content(symbol, prose, level)
        for section in symbol.data.get("relationshipsSections", []):
            names = [name for name in section["identifiers"] if symbol.reference(name).get("title") not in IMPLIED]
            if names:
                links = ", ".join(prose.link(name) for name in names)
                lines.append(f'<p class="relations">{html.escape(section["title"].capitalize())}: {links}</p>')
        # What is in a type by itself comes before types within it.
        for section in sorted(symbol.data.get("topicSections", []), key=lambda section: section["title"] in INNER_TYPES):
            inner = [archive.symbols[name] for name in section["identifiers"] if name in archive.symbols]
            inner = [one for one in inner if one.path[:-1] == symbol.path and not one.is_only_inherited]
            if not inner:
                continue
            lines.append(f"<h{level}>{html.escape(section['title'])}</h{level}>")
            for one in inner:
                lines.append(f'<section class="member" id="{html.escape(self.places[one.identifier].anchor)}">')
                if one.data.get("topicSections"):
                    lines.append(f"<h{min(level + 1, 6)}>{html.escape(one.name, quote=False)}</h{min(level + 1, 6)}>")
                lines += self._described(archive, one, page, min(level + 2, 6))
                lines.append("</section>")
        return lines

    @staticmethod
    def _content(symbol: Symbol, prose: Prose, level: int) -> list[str]:
        """Parameters, what is returned, and whatever else is said."""
        lines = []
        for section in symbol.data.get("primaryContentSections", []):
            if section["kind"] == "parameters":
                lines.append('<dl class="parameters">')
                for parameter in section["parameters"]:
                    lines.append(f"<dt><code>{html.escape(parameter['name'])}</code></dt><dd>{prose.blocks(parameter['content'], level)}</dd>")
                lines.append("</dl>")
            elif section["kind"] == "content":
                content = section["content"]
                if content and content[0].get("anchor") == "return-value":
                    lines.append(f'<div class="aside"><strong>Returns</strong> {prose.blocks(content, level)}</div>')
                else:
                    lines.append(prose.blocks(content, level))
        return lines
