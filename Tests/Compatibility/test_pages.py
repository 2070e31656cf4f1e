"""What pages of the documentation say about other things than commands: flags, configuration, dependencies, libraries."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PROGRAMS = {
    "stasis-controller": [[]],
    "stasis-server": [[], ["serve"], ["move"], ["registry", "list"], ["registry", "prune"], ["registry", "undo"], ["registry", "copy"]],
    "stasis-committer": [[], ["commit"]],
}
#: Flags of other programs that pages speak of.
FOREIGN = {"--delete-untagged", "--from-file"}


@pytest.fixture(scope="module")
def flags(program: Path) -> set[str]:
    """All flags of all programs, as these tell them."""
    told = ""
    for name, subcommands in PROGRAMS.items():
        for subcommand in subcommands:
            done = subprocess.run([program.parent / name, *subcommand, "--help"], text=True, capture_output=True, timeout=30)
            told += done.stdout + done.stderr
    return set(re.findall(r"--[a-z][a-z-]+", told))


@pytest.mark.parametrize("page", ["provenance.md", "retention.md", "portability.md", "providers.md"])
def test_flags_are_there(flags: set[str], page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    named = {flag for code in re.findall(r"`([^`\n]+)`", text) for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)}
    assert named - flags - FOREIGN == set()
    assert len(flags) > 50


def test_configuration_is_understood(program: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```$", (DOCS / "portability.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    (tmp_path / "cloud.key").write_text("key")
    text = "\n".join(blocks).replace("/etc/stasis", str(tmp_path)).replace("[server]\n", '[server]\napi_key = "k"\n')
    (tmp_path / "server.toml").write_text(text)
    command = [program, "--config", tmp_path / "server.toml", "--check-config"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stdout
    # What is not on this machine now is a warning, too.
    keys = {line.split(": ")[1] for line in done.stdout.splitlines() if line.startswith(("warning: ", "error: "))}
    assert not [key for key in keys if key.startswith(("move", "server"))], done.stdout


def test_dependencies_are_those_of_the_manifest() -> None:
    manifest = (ROOT / "Package.swift").read_text()
    text = (DOCS / "dependencies.md").read_text()
    urls = set(re.findall(r'\.package\(url: "([^"]+)"', manifest))
    assert len(urls) > 15
    section = text.split("## Swift packages")[1].split("\n## ")[0]
    assert set(re.findall(r"\]\((https://[^)]+)\)", section)) == urls
    # Where the page says that a target uses a package, it does.
    targets = set(re.findall(r'target\(\s*name: "([^"]+)"', manifest))
    for row in section.splitlines():
        cells = row.split("|")
        if len(cells) == 6 and "https://" in cells[1]:
            for target in set(re.findall(r"`([A-Z]\w+)`", cells[2])) & targets:
                names = [url.rpartition("/")[2] for url in re.findall(r"\((https://[^)]+)\)", cells[1])]
                declaration = re.search(rf'target\(\s*name: "{target}",(.*?)\n        \),|target\(name: "{target}",(.*)', manifest, re.DOTALL)
                assert declaration and any(is_used(name, declaration[0], manifest) for name in names), (target, names)


def is_used(package: str, declaration: str, manifest: str) -> bool:
    """Whether the declaration of a target names a product of a package, or one of the manifest's short names for one."""
    short = re.findall(rf'^let (\w+) = Target\.Dependency\.product\(name: "\w+", package: "{re.escape(package)}"\)', manifest, re.MULTILINE)
    return f'package: "{package}"' in declaration or any(re.search(rf"\b{name}\b", declaration) for name in short)


def test_packages_of_debian_are_told_of() -> None:
    """What scripts/setup installs has a reason on the page, or is a tool that every machine for building has."""
    setup = (ROOT / "scripts" / "setup").read_text()
    wanted = set(re.findall(r"^    +[^\s#:]+:([a-z0-9.+-]+)$", setup, re.MULTILINE))
    block = setup.split("packages=(\n")[1].split(")")[0]
    wanted |= {line.strip() for line in block.splitlines()}
    told = set(re.findall(r"`([a-z0-9.+-]+)`", (DOCS / "dependencies.md").read_text()))
    everyday = {"git", "pkg-config", "gcc", "binutils", "ca-certificates", "libc6-dev", "libstdc++-12-dev", "libncurses6", "libxml2"}
    assert wanted - told - everyday == set()


def test_every_library_is_on_its_page() -> None:
    block = (ROOT / "Package.swift").read_text().split("let libraries = [")[1].split("]")[0]
    libraries = set(re.findall(r'"(\w+)"', block))
    page = (DOCS / "libraries.md").read_text()
    assert set(re.findall(r"^\| \[(\w+)\]\(\.\./Sources/\1/\1\.docc/\1\.md\)", page, re.MULTILINE)) == libraries
