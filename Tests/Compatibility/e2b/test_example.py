"""The example of docs/e2b.md, as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from client import Client
from conftest import ALICE
from testbed import Testbed

_PAGE = Path(__file__).resolve().parents[3] / "docs" / "e2b.md"


@pytest.mark.since(2, 45)
def test_the_example_of_the_documentation(testbed: Testbed) -> None:
    text = _PAGE.read_text()
    [program] = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    said = dict(re.findall(r"^    export (\w+)=(\S+)$", text, re.MULTILINE))
    environment = {name: value.replace("127.0.0.1:8080", testbed.server.address) for name, value in said.items()}
    assert environment.keys() == {"E2B_API_URL", "E2B_SANDBOX_URL", "E2B_API_KEY"}
    environment["E2B_API_KEY"] = ALICE
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert Client(False, testbed.server.address, ALICE).listed() == []
