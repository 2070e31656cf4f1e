"""The example of docs/e2b.md, as it stands there."""

import re
import subprocess
import sys

import pytest

from client import Client
from cluster.page import Page
from conftest import ALICE
from testbed import Testbed


@pytest.mark.since(2, 45)
def test_the_example_of_the_documentation(testbed: Testbed) -> None:
    page = Page("e2b.md")
    [program] = page.everything("python")
    said = dict(re.findall(r"^export (\w+)=(\S+)$", "\n".join(page.everything("sh")), re.MULTILINE))
    environment = {name: value.replace("127.0.0.1:8080", testbed.server.address) for name, value in said.items()}
    assert environment.keys() == {"E2B_API_URL", "E2B_SANDBOX_URL", "E2B_API_KEY"}
    environment["E2B_API_KEY"] = ALICE
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert Client(False, testbed.server.address, ALICE).listed() == []
