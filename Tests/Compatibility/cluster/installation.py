"""A controller that was installed by the pages of the documentation, in a cluster where others follow more of them, all at once."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from cluster import upstream_objects as upstream
from cluster.agent_sandbox import DEFINITIONS, AgentSandboxController
from cluster.page import PageShell, replaced
from pages import ROOT
from testbed import Cluster

#: What a reader types into the two files of the overlay.
_EDITOR = """#!/bin/sh
set -e
sed -i "s|newName: .*|newName: ${IMAGE%@*}|; s|newTag: .*|digest: ${IMAGE#*@}|; /^resources:/,/disruption-budget/d" "$1"
sed -i "s|^snapshot-registry: .*|snapshot-registry: $SNAPSHOTS|; s|^image-committer-image: .*|image-committer-image: $COMMITTER|" "$2"
cat >>"$2" <<END
snapshot-registry-insecure: true
containerd-socket-path: $SOCKET
containerd-root: $ROOT
dialects: opensandbox,kruise,agent-sandbox
watch-namespaces: $NAMESPACES
END
"""

_KINDS = (
    "sandboxclaims.agents.kruise.io,sandboxsets.agents.kruise.io,checkpoints.agents.kruise.io,sandboxes.agents.kruise.io,"
    "sandboxes.agents.x-k8s.io,batchsandboxes,sandboxsnapshots,pools"
)


class Reader(upstream.Cluster):
    """Somebody who follows a page in a namespace of his own, with a shell whose kubectl works there."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        environment = cluster.environment
        kubeconfig = folder / "kubeconfig"
        shutil.copy(environment["KUBECONFIG"], kubeconfig)
        command = [environment["STASIS_TESTBED_KUBECTL"], "--kubeconfig", str(kubeconfig)]
        super().__init__(command, namespace)
        self("config", "set-context", "--current", f"--namespace={namespace}")
        self.cluster = cluster
        self.folder = folder
        tools = [str(Path(environment["STASIS_TESTBED_KUBECTL"]).parent), str(cluster.programs), str(Path(sys.executable).parent)]
        self.environment = {"PATH": ":".join([*tools, os.environ["PATH"]]), "KUBECONFIG": str(kubeconfig)}
        self.shell = PageShell(folder, self.environment)

    def apply(self, manifest: str, values: dict[str, object] | None = None) -> None:
        """Applies a block of YAML, with other words in place of some. It may name another namespace."""
        command = [self.cluster.environment["STASIS_TESTBED_KUBECTL"], "apply", "--filename=-"]
        done = subprocess.run(
            command, input=replaced(manifest, values or {}), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=os.environ | self.environment, check=False,
        )
        assert done.returncode == 0, done.stdout

    def condition(self, kind: str, name: str, wanted: str) -> bool:
        """Whether a condition of an object is true."""
        item = self.get(kind, name) or {}
        conditions = (item.get("status") or {}).get("conditions") or []
        return any(condition["type"] == wanted and condition["status"] == "True" for condition in conditions)

    def status(self, kind: str, name: str, field: str) -> object:
        return ((self.get(kind, name) or {}).get("status") or {}).get(field)

    def cat(self, pod: str, file: str) -> str:
        """What is in a file of a pod, as soon as it runs."""
        self("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=60s")
        return self("exec", pod, "--", "cat", file).strip()


class Installation:
    """A context manager. Leaving it leaves the definitions of kinds, which others use."""

    def __init__(self, cluster: Cluster, folder: Path, names: list[str]) -> None:
        """names -- those of the readers."""
        self._cluster = cluster
        self._folder = folder
        self._namespaces = {name: f"pages-{name}-{os.getpid()}" for name in names}
        self.readers: dict[str, Reader] = {}
        self._upstream = AgentSandboxController(cluster, [self._namespaces[name] for name in names if name.startswith("agents")])
        self._pool = ThreadPoolExecutor(len(names))

    def __enter__(self) -> "Installation":
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _begin(self) -> None:
        environment, kubectl = self._cluster.environment, self._cluster.kubectl
        self._image = self._pool.submit(self._cluster.push_program, "stasis-controller")
        shutil.copytree(ROOT / "deploy", self._folder / "deploy", ignore=shutil.ignore_patterns("mine", "quick-start*"))
        editor = self._folder / "editor"
        editor.write_text(_EDITOR)
        editor.chmod(0o755)
        # Where a test before this one has deleted it, until it is gone.
        kubectl("wait", "--for=delete", "namespace/stasis-system", "--timeout=60s", check=False)
        kubectl("apply", "--filename", str(DEFINITIONS / "sandboxes.yaml"))
        login = {".dockerconfigjson": Path(environment["STASIS_TESTBED_LOGIN"]).read_text()}
        secrets = ("registry-snapshot-push-secret", "registry-pull-secret")
        items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}} for namespace in self._namespaces.values()]
        items += [
            {
                "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "stringData": login,
                "metadata": {"name": secret, "namespace": namespace},
            }
            for namespace in self._namespaces.values() for secret in secrets
        ]
        everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        # Not by the Cluster's kubectl, which names a namespace.
        command = [environment["STASIS_TESTBED_KUBECTL"], "--kubeconfig", environment["KUBECONFIG"], "apply", "--filename=-"]
        subprocess.run(command, input=everything, text=True, check=True, stdout=subprocess.DEVNULL)
        for name, namespace in self._namespaces.items():
            folder = self._folder / name
            folder.mkdir()
            self.readers[name] = Reader(self._cluster, namespace, folder)
        # Pods can only be made in a namespace that has its account.
        for reader in self.readers.values():
            reader.until(lambda: reader.get("serviceaccount", "default"), f"the account of {reader.namespace}")
        self._upstream.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        kubectl = self._cluster.kubectl
        for reader in self.readers.values():
            reader.shell.__exit__()
        # While there is a controller that lets them go. Who still follows a page comes to an end without a shell.
        list(self._pool.map(lambda reader: reader("delete", _KINDS, "--all", "--timeout=60s", check=False), self.readers.values()))
        self._pool.shutdown()
        self._upstream.__exit__(None, None, None)
        for part in ("agent-sandbox/controller", "kruise/controller", "overlays/mine"):
            kubectl("delete", "--kustomize", str(self._folder / "deploy" / part), "--ignore-not-found", "--wait=false", check=False)
        kubectl("delete", "namespace", *self._namespaces.values(), "--ignore-not-found", "--wait=false", check=False)

    def install(self, *commands: str) -> str:
        """Follows what pages say of installing, and answers what was printed."""
        cluster = self._cluster
        environment = {
            "EDITOR": str(self._folder / "editor"), "IMAGE": self._image.result(), "COMMITTER": cluster.committer,
            "SNAPSHOTS": f"{cluster.environment['STASIS_TESTBED_LOGIN_REGISTRY']}/pages-{os.getpid()}",
            "SOCKET": cluster.environment["STASIS_TESTBED_CONTAINERD"],
            "ROOT": f"{cluster.environment['STASIS_TESTBED']}/cluster/containerd/root",
            "NAMESPACES": ",".join(self._namespaces.values()),
        }
        reader = next(iter(self.readers.values()))
        with PageShell(self._folder, reader.environment | environment) as shell:
            return shell.run(*commands)

    def follow(self, name: str, work: Callable[[Reader], None]) -> Future[None]:
        """Has a reader follow a page, beside the others."""
        return self._pool.submit(work, self.readers[name])
