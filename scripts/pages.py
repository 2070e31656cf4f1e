"""The pages of the documentation, and the blocks of commands, programs and configuration that stand in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: What is only looked at.
DRAWN = {"text"}

_FENCE = re.compile(r"^( *)```(\S*)\s*$")
_HEADING = re.compile(r"^#+ +(.*?) *#*$")
_COMMENT = re.compile(r"^ *<!-- (tested|not run): (.*?) -->$")
_INDENTED = re.compile(r"^    (\S.*)$")


@dataclass(frozen=True)
class Block:
    """A block of a page: the line of its fence, the heading that it stands under, its language (none if it is only indented), its text,
    and what the comment in the line before says of it: who runs it, or why nobody does."""

    line: int
    heading: str
    language: str
    text: str
    tested: str | None = None
    not_run: str | None = None


def pages() -> list[Path]:
    """All pages."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, in its order."""
    heading, comment, before = "", {}, ""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if match := _FENCE.match(line):
            indent, language = len(match[1]), match[2]
            inside = []
            for _, line in lines:
                if line.strip() == "```":
                    break
                inside.append(line[indent:] + "\n")
            yield Block(number, heading, language, "".join(inside), **comment)
            comment = {}
        elif (match := _INDENTED.match(line)) and not before.strip():
            inside = [match[1] + "\n"]
            for _, line in lines:
                if not line.startswith("    "):
                    break
                inside.append(line[4:] + "\n")
            yield Block(number, heading, "", "".join(inside), **comment)
            comment = {}
        elif match := _COMMENT.match(line):
            comment = {match[1].replace(" ", "_"): match[2]}
        else:
            comment = {}
            if match := _HEADING.match(line):
                heading = match[1]
        before = line
