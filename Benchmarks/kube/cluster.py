"""The Kubernetes that the suite works with: the testbed's."""

import os
import shlex
import subprocess
from pathlib import Path
from types import TracebackType

_TESTBED = Path(__file__).resolve().parent.parent.parent / "testbed"


class Cluster:
    """A whole Kubernetes of one node (docs/testbed.md). One that is up already is used as it is, and left up."""

    def __enter__(self) -> "Cluster":
        subprocess.run([_TESTBED / "up", "--for", str(os.getpid())], check=True)
        settings = subprocess.run([_TESTBED / "env"], check=True, text=True, stdout=subprocess.PIPE).stdout
        values = dict(word.split("=", 1) for word in shlex.split(settings) if "=" in word)
        self.kubeconfig = values["KUBECONFIG"]
        self.address = values["STASIS_TESTBED_API"]
        self.authority = values["STASIS_TESTBED_AUTHORITY"]
        self.registry = values["STASIS_TESTBED_REGISTRY"]
        self.host_address = values["STASIS_TESTBED_HOST_ADDRESS"]
        self.kubectl = values["STASIS_TESTBED_KUBECTL"]
        self.containerd = values["STASIS_TESTBED_CONTAINERD"]
        self.containerd_root = str(Path(self.containerd).parent / "root")
        self.token = Path(values["STASIS_TESTBED_TOKEN"]).read_text().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run([_TESTBED / "down", "--for", str(os.getpid())], check=True)
