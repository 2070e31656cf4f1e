"""The site that is made of the documentation, and the comparison of the handbook with the code: both are whole, and both would notice."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pages import ROOT, blocks
from pages import pages as all_pages


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made by the command that `make docs` runs."""
    folder = tmp_path_factory.mktemp("site")
    if programs := os.environ.get("STASIS_BIN_DIR"):
        # Where everything is built already.
        os.environ.setdefault("BUILD_DIR", str(Path(programs).resolve().parents[1]))
    done = run(ROOT / "scripts" / "docs", folder)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site without the libraries."""
    folder = tmp_path_factory.mktemp("pages")
    done = run(ROOT / "scripts" / "docs", "--pages", folder)
    assert done.returncode == 0, done.stdout
    assert not (folder / "api").exists()
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = [page for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert pages
    for page in pages:
        made = (site / f"{page.stem.lower()}.html").read_text()
        title = next(line for line in page.read_text().splitlines() if line.startswith("# "))
        assert "<h1" in made and title.removeprefix("# ").replace("'", "&#x27;").replace("`", "") in made, page
    overview = (site / "index.html").read_text()
    assert all(f'href="{page.stem.lower()}.html"' in overview for page in pages)
    assert (site / "drawings" / "pause.svg").is_file()


def test_every_library_is_in_the_site(site: Path) -> None:
    catalogs = [catalog.stem for catalog in (ROOT / "Sources").glob("*/*.docc")]
    overview = (site / "libraries.html").read_text()
    for library in catalogs:
        page = (site / "api" / f"{library.lower()}.html").read_text()
        assert f"<h1>{library}</h1>" in page and "<pre><code>" in page
        assert f'href="api/{library.lower()}.html"' in overview
    # A type, what is in it, and a link from there to a type of another library.
    page = (site / "api" / "snapshotstore.artifactstore.html").read_text()
    assert 'id="verify(_:)"' in page and 'href="sandboxmodels.artifact.html"' in page


def test_a_link_that_docc_does_not_know_is_noticed(tmp_path: Path) -> None:
    """By the same code that makes the site, with a catalog that has one."""
    sources, graphs = tmp_path / "Sources", tmp_path / "graphs"
    (sources / "Small" / "Small.docc").mkdir(parents=True)
    (sources / "Small" / "Small.docc" / "Small.md").write_text("# ``Small``\n\nSee ``Nowhere``.\n")
    (sources / "Small.swift").write_text("/// Something.\n///\n/// See ``Nobody``.\npublic struct Thing { public init() {} }\n")
    graphs.mkdir()
    command = ["swiftc", "-emit-module", "-module-name", "Small", "-emit-symbol-graph", "-emit-symbol-graph-dir", graphs]
    done = run(*command, "-o", tmp_path / "Small.swiftmodule", sources / "Small.swift")
    assert done.returncode == 0, done.stdout
    program = "import sys; from pathlib import Path; from archives import convert; a = [Path(x) for x in sys.argv[1:]]; "
    program += "print(*convert(['Small'], *a)[1], sep='\\n')"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "docs" / "site")}
    told = subprocess.run(
        [sys.executable, "-c", program, sources, graphs, tmp_path / "scratch"], check=True, text=True, stdout=subprocess.PIPE, env=environment
    ).stdout
    assert "'Nobody' doesn't exist" in told and "'Nowhere' doesn't exist" in told, told


@pytest.mark.parametrize(
    ("addition", "complaint"),
    [
        ('<a href="nowhere.html">', "nowhere.html: no such page"),
        ('<a href="concepts.html#nothing">', "concepts.html#nothing: no such heading"),
        ('<img src="drawings/none.svg">', "drawings/none.svg: no such file"),
        ('<script src="https://example.com/a.js"></script>', "https://example.com/a.js would be loaded from outside"),
    ],
)
def test_what_is_broken_is_noticed(plain_site: Path, tmp_path: Path, addition: str, complaint: str) -> None:
    broken = tmp_path / "site"
    shutil.copytree(plain_site, broken)
    page = broken / "index.html"
    page.write_text(page.read_text().replace("</main>", addition + "</main>"))
    done = run(sys.executable, ROOT / "docs" / "site" / "check.py", broken)
    assert done.returncode == 1 and complaint in done.stdout, done.stdout


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    done = run(ROOT / "scripts" / "docs", tmp_path)
    assert done.returncode == 1 and "was not made by this script" in done.stdout
    assert (tmp_path / "precious").read_text() == "mine"


class Handbook:
    """A small tree with a handbook, code, and the script that compares them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for folder in ("scripts", "docs", "Sources/Controller"):
            (root / folder).mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "check-handbook", root / "scripts")

    def compare(self, code: str, page: str, others: str = "") -> str:
        """What the script says; nothing when all is well."""
        (self._root / "Sources/Controller/Code.swift").write_text(code)
        (self._root / "docs/handbook.md").write_text(page)
        (self._root / "scripts/not-in-handbook").write_text(others)
        done = run(self._root / "scripts" / "check-handbook")
        assert (done.returncode == 0) == (done.stdout == "")
        return done.stdout


@pytest.fixture
def handbook(tmp_path: Path) -> Handbook:
    return Handbook(tmp_path)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ('Problem("DiskFull", "message")', "DiskFull"),
        ('Problem(\n    "DiskFull",\n    "message"\n)', "DiskFull"),
        ('case .full: "DiskFull"', "DiskFull"),
        ('recorder.record(.normal, about: pod, reason: "Moved", "message")', "Moved"),
        ('APIError(.conflict, "MOVE::BUSY", "message")', "MOVE::BUSY"),
        ('self.init(.notFound, error.told, word: "sandbox_gone")', "sandbox_gone"),
    ],
)
def test_a_word_that_is_not_explained_is_noticed(handbook: Handbook, code: str, word: str) -> None:
    assert f"{word} is not explained" in handbook.compare(code, "# Handbook\n")
    assert handbook.compare(code, f"| reason | meaning |\n|---|---|\n| `{word}` | it is so |\n") == ""
    assert handbook.compare(code, "# Handbook\n", f"Something else: {word}\n") == ""


def test_a_word_that_is_gone_is_noticed(handbook: Handbook) -> None:
    assert "DiskFull is explained, but no code says it" in handbook.compare("", "| `DiskFull` | it is so |\n")
    assert "DiskFull is in no code any more" in handbook.compare("", "", "Something else: DiskFull\n")
    assert handbook.compare('// Problem("DiskFull")', "") == ""


class Pages:
    """A small tree with one page, one test, and the script that looks for commands that no test runs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for folder in ("scripts", "docs", "Tests"):
            (root / folder).mkdir()
        for name in ("check-commands", "pages.py"):
            shutil.copy(ROOT / "scripts" / name, root / "scripts")
        for name in ("README.md", "CONTRIBUTING.md"):
            (root / name).write_text("# Nothing\n")

    def check(self, page: str, test: str = "") -> str:
        """What the script says of docs/page.md; nothing when all is well."""
        (self._root / "docs/page.md").write_text(page)
        (self._root / "Tests/test_page.py").write_text(test)
        done = run(sys.executable, self._root / "scripts" / "check-commands")
        assert (done.returncode == 0) == (done.stdout == "")
        return done.stdout


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return Pages(tmp_path)


BLOCK = "# Page\n\n## Start\n\n```sh\n# not a heading\nstart\n```\n"


def test_commands_that_no_test_runs_are_noticed(pages: Pages) -> None:
    assert 'docs/page.md:5: sh is run by no test: let one take it by its heading, "Start"' in pages.check(BLOCK)
    assert "is run by no test" in pages.check(BLOCK, 'Page("other.md").take("Start")')
    assert "is run by no test" in pages.check(BLOCK, 'Page("page.md").take("Other")')
    assert "is run by no test" in pages.check(BLOCK, 'Page("page.md").everything("yaml")')
    assert pages.check(BLOCK, 'Page("page.md").take("Start")') == ""
    assert pages.check(BLOCK, 'page = Page("page.md"); page.everything("sh")') == ""


def test_what_is_said_of_a_block(pages: Pages) -> None:
    assert pages.check(BLOCK.replace("```sh", "<!-- not run: it takes an hour -->\n```sh")) == ""
    assert "is not run" in pages.check(BLOCK.replace("```sh", "<!-- not run: no -->\n```sh"))
    assert "is run by no test" in pages.check(BLOCK.replace("```sh", "<!-- not run: it takes an hour -->\n\n```sh"))
    named = BLOCK.replace("```sh", "<!-- tested: begin -->\n```sh")
    assert "is run by no test" in pages.check(named, 'Page("page.md").take("Start")')
    assert pages.check(named, 'Page("page.md"); run("begin")') == ""


def test_commands_that_are_only_looked_at_are_noticed(pages: Pages) -> None:
    assert "has commands" in pages.check("# Page\n\n    make all\n")
    assert "has commands" in pages.check("# Page\n\n```text\nkubectl get pods\n```\n")
    assert pages.check("# Page\n\n```text\na drawing\n```\n\n    a formula\n") == ""


def commands() -> list[tuple[str, str]]:
    """Every line of commands in the documentation, and its page."""
    found = []
    for page in all_pages():
        found += [(page.name, line) for block in blocks(page.read_text()) if block.language == "sh" for line in block.text.splitlines()]
    return found


def test_commands_name_what_there_is() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong, seen = [], 0
    for page, line in commands():
        words = line.partition("#")[0].split()
        if words[:1] == ["make"]:
            seen += 1
            wrong += [(page, line) for word in words[1:] if "=" not in word and word not in targets]
            values = dict(word.split("=", 1) for word in words if "=" in word)
            suite = ROOT / "Benchmarks" / values.get("SUITE", "capture") / "suite.py"
            if not suite.is_file() or ("CASE" in values and f'"{values["CASE"]}":' not in suite.read_text()):
                wrong.append((page, line))
        for script in re.findall(r"(?<![\w/.-])(?:scripts|testbed|demo|Benchmarks|Tests)/[\w/-]+", line):
            seen += 1
            if not (ROOT / script).exists():
                wrong.append((page, line))
    assert seen > 20 and wrong == []
