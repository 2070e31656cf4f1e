"""docs/provenance.md by its own commands: a key, a machine that signs with it and starts nothing else, and what others see of that."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.page import Page, PageShell
from sdk import Sdk
from testbed import Testbed
from wire import Wire

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `key.pem` and `key.pub`, made as the page makes them, and another pair below `other`."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "other").mkdir()
    for place in (folder, folder / "other"):
        with PageShell(place, {}) as shell:
            shell.run(*Page("provenance.md").take("A key"))
    return folder


@pytest.fixture(scope="module")
def testbed(program: Path, keys: Path) -> Iterator[Testbed]:
    """A machine as the page's tables say: it signs, and demands to be able to believe."""
    text = (HERE.parents[1] / "docs" / "provenance.md").read_text()
    line = re.search(r"`\[snapshots\] (signing_key = .*?)`", text)
    assert line and "`[snapshots] verification`, `verification_keys`" in text
    table = f"""
[snapshots]
{line[1].replace("/etc/stasis", str(keys))}
verification = "require"
verification_keys = ["{keys}/key.pub"]
"""
    with Testbed(program, "stasis-provenance", configuration=table) as testbed:
        yield testbed


@pytest.fixture
def sdk(testbed: Testbed, wire: Wire) -> Iterator[Sdk]:
    sdk = Sdk(False, testbed.server.address, testbed.server.key)
    yield sdk
    sdk.close()


def test_what_others_see(sdk: Sdk, wire: Wire, testbed: Testbed, keys: Path, tmp_path: Path) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    part = wire.get(f"/v1/sandboxes/{sandbox.id}").json["artifact"]["parts"][0]
    image = f"{part['reference'].rpartition(':')[0]}@{part['digest']}"
    cosign = tmp_path / "cosign"
    cosign.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}/cosign.py" "$@"\n')
    cosign.chmod(0o755)

    (commands,) = Page("provenance.md").take("Looking at it with other tools")
    commands = re.sub(r"registry\.example/\S+", image, commands)
    assert commands.count(image) == 2 and commands.count("cosign ") == 2
    environment = {"PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"}
    with PageShell(keys, environment) as shell:
        signature, statement = (json.loads(line)[0] for line in shell.run(commands).splitlines() if line)
    assert signature["critical"]["image"]["docker-manifest-digest"] == part["digest"]
    source = statement["predicate"]["source"]
    assert source["sandbox"] == sandbox.id and source["container"], source
    # Somebody else's key believes neither.
    for command in commands.replace("\\\n", " ").splitlines():
        done = subprocess.run(
            ["bash", "-c", command], cwd=keys / "other", env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 1 and "no matching signatures" in done.stdout, done.stdout

    # It was signed by somebody who is trusted here, so it starts.
    sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    sdk.wait_for(sandbox.id, "Running")
