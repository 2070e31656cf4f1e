"""The commands and the programs of README.md and CONTRIBUTING.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

from cluster.page import Page, replaced
from pages import ROOT, blocks
from testbed import Testbed

# What `make demo` does when all is built. `make test` is what runs this.
MAKE = r"""
make() {
    case $* in
    demo) python3 "$ROOT/demo/demo.py" "$STASIS_BIN_DIR/stasis-server" ;;
    test) ;;
    *) echo "the page makes something else: $*" >&2; return 2 ;;
    esac
}
"""


def test_the_commands(program: Path) -> None:
    page = Page("../README.md")
    done = subprocess.run(
        ["bash", "-euc", MAKE + "\n".join(page.take("Two commands"))], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        env=os.environ | {"ROOT": str(ROOT), "STASIS_BIN_DIR": str(program.parent)}, check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]


def test_the_tour(testbed: Testbed) -> None:
    [program] = Page("../README.md").take("A tour in twenty lines", language="python")
    program = replaced(program, {"localhost:8080": testbed.server.address, "change-me": testbed.server.key, "registry.example/team/image:1": testbed.image})
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert testbed.everything_left() == []


def test_parts_of_the_tests_can_be_chosen() -> None:
    """What CONTRIBUTING.md gives as examples chooses something."""
    [block] = [block for block in blocks((ROOT / "CONTRIBUTING.md").read_text()) if block.language == "sh"]
    selections = re.findall(r" Tests/(\w+)/run -k (\w+)", block.text)
    assert selections
    for suite, word in selections:
        names = [path.read_text() for path in (ROOT / "Tests" / suite).glob(f"test_*{word}*.py")]
        assert any("\ndef test_" in text for text in names), (suite, word)
    [filter_] = re.findall(r"--filter (\w+)", block.text)
    assert (ROOT / "Tests" / filter_).is_dir()
