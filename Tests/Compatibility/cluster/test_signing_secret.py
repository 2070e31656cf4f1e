"""The Secret of docs/provenance.md, made as the page says. What the controller does with one is in its own tests."""

import json
import re
from pathlib import Path

from cluster.page import ROOT, Page, PageShell
from testbed import Cluster


def test_it_has_the_entry_that_is_asked_for(cluster: Cluster, tmp_path: Path) -> None:
    (command,) = re.findall(r"`(kubectl create secret [^`]*)`", (ROOT / "docs" / "provenance.md").read_text())
    stand_in = f'kubectl() {{ "{cluster.environment["STASIS_TESTBED_KUBECTL"]}" --namespace "{cluster.namespace}" "$@"; }}'
    with PageShell(tmp_path, {"KUBECONFIG": cluster.environment["KUBECONFIG"]}) as shell:
        shell.run(*Page("provenance.md").take("A key"), stand_in, command.replace("NAME", "signing"))
    secret = json.loads(cluster.kubectl("get", "secret", "signing", "--output", "json"))
    assert list(secret["data"]) == ["key.pem"]
