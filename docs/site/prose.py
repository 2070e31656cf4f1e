"""Turns DocC's documents into HTML: prose, and declarations."""

import html
import re
from collections.abc import Callable
from typing import Any

from archives import Symbol

# Where a symbol is described, if it is: by its identifier in an archive, or by the compiler's name.
Resolver = Callable[[str], str | None]
WIDTH = 92


class Prose:
    """Renders what stands on one page."""

    def __init__(self, symbol: Symbol, resolve: Resolver, complain: Callable[[str], None]) -> None:
        self._symbol = symbol
        self._resolve = resolve
        self._complain = complain

    def inline(self, parts: list[dict[str, Any]]) -> str:
        """Words within a line."""
        return "".join(self._word(part) for part in parts)

    def _word(self, part: dict[str, Any]) -> str:
        kind = part["type"]
        if kind == "text":
            return html.escape(part["text"], quote=False)
        if kind == "codeVoice":
            one = ' class="one"' if len(part["code"]) < 36 and " " not in part["code"] else ""
            shown = f"<code{one}>{html.escape(part['code'], quote=False)}</code>"
            # A page of the documentation is in the site, too.
            page = re.fullmatch(r"docs/([\w-]+)\.md", part["code"])
            return f'<a href="../{page[1].lower()}.html">{shown}</a>' if page else shown
        if kind in ("emphasis", "strong", "newTerm", "inlineHead"):
            tag = "strong" if kind in ("strong", "inlineHead") else "em"
            return f"<{tag}>{self.inline(part['inlineContent'])}</{tag}>"
        if kind == "reference":
            return self.link(part["identifier"])
        self._complain(f"{self._symbol.title}: words of the kind {kind} cannot be shown")
        return ""

    def link(self, identifier: str, title: str | None = None) -> str:
        """A link to a symbol, or its name if it is not described here."""
        reference = self._symbol.reference(identifier)
        if reference.get("type") == "link":
            return f'<a href="{html.escape(reference["url"])}">{self.inline(reference["titleInlineContent"])}</a>'
        name = html.escape(title or reference.get("title", identifier).removeprefix("Swift."), quote=False)
        target = self._resolve(identifier)
        return f'<a href="{target}"><code>{name}</code></a>' if target else f"<code>{name}</code>"

    def blocks(self, content: list[dict[str, Any]], level: int) -> str:
        """Paragraphs and the like. Headings begin at a level."""
        return "\n".join(self._block(block, level) for block in content)

    def _block(self, block: dict[str, Any], level: int) -> str:
        kind = block["type"]
        if kind == "paragraph":
            return f"<p>{self.inline(block['inlineContent'])}</p>"
        if kind == "heading":
            # The first one is DocC's own, above whatever follows the first sentence.
            if block["anchor"] in ("overview", "discussion", "return-value"):
                return ""
            rank = min(level + block["level"] - 2, 6)
            return f'<h{rank} id="{html.escape(block["anchor"])}">{html.escape(block["text"])}</h{rank}>'
        if kind == "codeListing":
            code = html.escape("\n".join(block["code"]), quote=False)
            return f"<pre><code>{code}</code></pre>"
        if kind == "aside":
            return f'<div class="aside"><strong>{html.escape(block["name"])}</strong> {self.blocks(block["content"], level)}</div>'
        if kind in ("unorderedList", "orderedList"):
            tag = "ul" if kind == "unorderedList" else "ol"
            items = "".join(f"<li>{self.blocks(item['content'], level)}</li>" for item in block["items"])
            return f"<{tag}>{items}</{tag}>"
        if kind == "table":
            first, *rest = block["rows"]
            cells = [("th", first), *(("td", row) for row in rest)]
            rows = ["".join(f"<{tag}>{self.blocks(cell, level)}</{tag}>" for cell in row) for tag, row in cells]
            return '<div class="wide" tabindex="0"><table>' + "".join(f"<tr>{row}</tr>" for row in rows) + "</table></div>"
        self._complain(f"{self._symbol.title}: a block of the kind {kind} cannot be shown")
        return ""

    def declaration(self, tokens: list[dict[str, Any]]) -> str:
        """A declaration, a line each for the parameters of a long one."""
        breaks = line_breaks("".join(token["text"] for token in tokens))
        made, index = [], 0
        for token in tokens:
            text = "".join(breaks.get(index + offset, "") + character for offset, character in enumerate(token["text"]))
            index += len(token["text"])
            escaped = html.escape(text, quote=False)
            if token["kind"] in ("keyword", "identifier", "externalParam"):
                escaped = f'<span class="{token["kind"].lower()}">{escaped}</span>'
            elif target := self._resolve(token.get("preciseIdentifier") or token.get("identifier") or ""):
                escaped = f'<a href="{target}">{escaped}</a>'
            made.append(escaped)
        return f'<pre class="declaration"><code>{"".join(made)}</code></pre>'


def line_breaks(declaration: str) -> dict[int, str]:
    """What to put before which characters of a long declaration, so that each parameter has a line."""
    start = declaration.find("(")
    if len(declaration) <= WIDTH or start < 0 or declaration[start + 1] == ")":
        return {}
    found, depth = {start + 1: "\n    "}, 0
    for index, character in enumerate(declaration[start:], start):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
            if depth == 0:
                return found | {index: "\n"}
        elif character == "," and depth == 1 and declaration[index + 1 : index + 2] == " ":
            found[index + 2] = "\n    "
    return {}
