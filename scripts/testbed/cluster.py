"""A namespace of the testbed's Kubernetes with a stasis-controller and a stasis-server of our own.

The whole of it is real: API server, kubelet, containerd, registry, the committer's Jobs. The Kubernetes must be up, or is started
by `testbed/up`.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

from testbed.daemon import Daemon, DaemonError, free_port

_SCRIPTS = Path(__file__).resolve().parent.parent
_ROOT = _SCRIPTS.parent

_CONFIGURATION = """\
[server]
host = "127.0.0.1"
port = {port}
{access}

[log]
level = "DEBUG"

[runtime]
type = "kubernetes"
execd_image = "{execd}"

[kubernetes]
kubeconfig_path = "{kubeconfig}"
namespace = "{namespace}"
batchsandbox_template_file = "{template}"
{kubernetes}

{tables}
"""

#: The kinds of the Kruise dialect, those that make others of them first.
_KRUISE = ("sandboxclaims", "sandboxsets", "checkpoints", "sandboxes", "sandboxtemplates")

#: Sandboxes end at once when they are told to: nothing in them has to be waited for.
_TEMPLATE = """\
spec:
  template:
    spec:
      restartPolicy: Always
      terminationGracePeriodSeconds: 1
"""


def testbed_environment() -> dict[str, str]:
    """Where the things of the testbed's Kubernetes are."""
    output = subprocess.run([_ROOT / "testbed" / "env"], check=True, text=True, stdout=subprocess.PIPE).stdout
    return dict(re.findall(r"^export (\w+)='(.*)'$", output, re.MULTILINE))


class ClusterServer:
    """A stasis-server in front of one namespace; `address` is its host and port, `key` the API key that it wants, unless its tables
    say which tenants it has."""

    def __init__(
        self, cluster: "Cluster", kubernetes: str = "", tables: str = "", key: str | None = None, server: str = ""
    ) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.key = key or secrets.token_hex(16)
        self._program = cluster.programs / "stasis-server"
        self._log = cluster.folder / f"stasis-server-{port}.log"
        self._configuration = cluster.folder / f"stasis-{port}.toml"
        self._configuration.write_text(
            _CONFIGURATION.format(
                port=port,
                access=("" if "[tenants]" in tables else f'api_key = "{self.key}"') + f"\n{server}",
                execd=cluster.execd_image,
                kubeconfig=cluster.server_kubeconfig,
                namespace=cluster.namespace,
                template=cluster.template,
                kubernetes=kubernetes,
                tables=tables,
            )
        )
        self._daemon = self._start()

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def crash(self) -> None:
        """Kills the server, which gets no chance to tidy up, and starts it again."""
        self._daemon.kill()
        self._daemon = self._start()

    def restart(self) -> None:
        """Ends the server and starts it again. Raises DaemonError if it does not end in order."""
        code, log = self._daemon.stop(), self.end_of_log()
        self._daemon = self._start()
        if code:
            raise DaemonError(f"stasis-server ended with code {code} when it was asked to:\n{log}")

    def stop(self) -> int:
        return self._daemon.stop()

    def end_of_log(self, lines: int = 60) -> str:
        return self._daemon.end_of_log(lines)

    def _start(self) -> Daemon:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENSANDBOX_", "SANDBOX_"))}
        daemon = Daemon("stasis-server", [str(self._program), "--config", str(self._configuration)], self._log, environment)
        daemon.wait_until(self._answers)
        return daemon

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


class Cluster:
    """A namespace in which a controller works. A context manager: leaving it leaves nothing but the namespace's own end.

    `image` names the busybox image that sandboxes can be created from.
    """

    #: With a login, the Secrets with which snapshots are pushed, and pulled.
    push_secret = "registry-snapshot-push-secret"
    pull_secret = "registry-pull-secret"

    def __init__(
        self, programs: Path, name: str, flags: list[str] | None = None, login: bool = False, kruise: bool = False
    ) -> None:
        """flags -- more flags of the controller; login -- whether snapshots go to the registry that wants a login; kruise -- whether
        the controller works on the Kruise dialect, too."""
        self.programs = programs
        self.namespace = f"{name}-{os.getpid()}"
        self._flags = flags or []
        self._login = login
        self._kruise = kruise

    def __enter__(self) -> "Cluster":
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.namespace}-"))
        self._running: list[Daemon | ClusterServer] = []
        subprocess.run([_ROOT / "testbed" / "up", "--for", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
        try:
            self.environment = testbed_environment()
            # Whoever wants to come between them and the API server changes these.
            self.controller_kubeconfig = self.server_kubeconfig = self.environment["KUBECONFIG"]
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def snapshot_registry(self) -> str:
        """The registry that snapshots go to."""
        return self.environment["STASIS_TESTBED_LOGIN_REGISTRY" if self._login else "STASIS_TESTBED_REGISTRY"]

    def keep_login(self, name: str, configuration: str | None = None) -> None:
        """Makes or changes a Secret with logins; without a configuration of Docker's, with those that are right."""
        document = configuration or Path(self.environment["STASIS_TESTBED_LOGIN"]).read_text()
        secret = {
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": {"name": name},
            "stringData": {".dockerconfigjson": document},
        }
        self.kubectl("apply", "--filename", "-", standard_input=json.dumps(secret))

    def push(self, image: str, layout_tag: str) -> None:
        """Puts one of the images that the cluster has made into a registry."""
        command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
        command += ["--dest-authfile", self.environment["STASIS_TESTBED_LOGIN"]]
        subprocess.run([*command, f"oci:{self.folder}/layout:{layout_tag}", f"docker://{image}"], check=True)

    def push_program(self, name: str) -> str:
        """Makes an image of one of the programs, and answers what it is called."""
        # Without what debuggers read, which is most of it.
        stripped = self.folder / name
        subprocess.run(["strip", "-o", stripped, self.programs / name], check=True)
        built = subprocess.run(
            [self.programs / "stasis-images", "build", stripped]
            + [f"{self.registry}/stasis/{name}:test", "--plain-http", self.registry],
            check=True, text=True, stdout=subprocess.PIPE,
        )
        return built.stdout.split()[-1]

    def server(
        self, kubernetes: str = "", tables: str = "", key: str | None = None, server: str = ""
    ) -> ClusterServer:
        """Starts one more server, which ends with the cluster.

        kubernetes -- more lines of its table [kubernetes]; tables -- more tables; server -- more lines of its table [server].
        """
        started = ClusterServer(self, kubernetes, tables, key, server)
        self._running.append(started)
        return started

    def kubectl(self, *arguments: str, standard_input: str | None = None, check: bool = True) -> str:
        """Runs kubectl in the namespace as the administrator."""
        command = [self.environment["STASIS_TESTBED_KUBECTL"], "--kubeconfig", self.environment["KUBECONFIG"]]
        command += ["--namespace", self.namespace, *arguments]
        return subprocess.run(
            command, check=check, text=True, input=standard_input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ).stdout

    def end_of_log(self, lines: int = 40) -> str:
        """What the controller has said last."""
        return self.controller.end_of_log(lines)

    def crash_controller(self) -> None:
        """Kills the controller, which gets no chance to tidy up, and starts it again."""
        self.controller.kill()
        self._running.remove(self.controller)
        self._start_controller()

    def _start(self) -> None:
        registry = self.environment["STASIS_TESTBED_REGISTRY"]
        self.registry = registry
        layout = self.folder / "layout"
        subprocess.run([_SCRIPTS / "make-busybox-image", layout, "sandbox"], check=True)
        subprocess.run([_SCRIPTS / "make-execd-image", layout, "execd"], check=True, stdout=subprocess.DEVNULL)
        self.image = f"{registry}/{self.namespace}/sandbox:1"
        self.execd_image = f"{registry}/{self.namespace}/execd:1"
        for tag, image in (("sandbox", self.image), ("execd", self.execd_image)):
            self.push(image, tag)
        self.committer = self.push_program("stasis-committer")
        self.template = self.folder / "template.yaml"
        self.template.write_text(_TEMPLATE)
        self.kubectl("apply", "--kustomize", str(_ROOT / "deploy" / "crds"))
        if self._kruise:
            self.kubectl("apply", "--kustomize", str(_ROOT / "deploy" / "kruise" / "crds"))
            for plural in _KRUISE:
                self.kubectl("wait", "--for=condition=Established", f"crd/{plural}.agents.kruise.io", "--timeout=30s")
            self._flags += ["--dialects=opensandbox,kruise"]
        self.kubectl("create", "namespace", self.namespace)
        self._await_namespace()
        if self._login:
            self.keep_login(self.push_secret)
            self.keep_login(self.pull_secret)
            self._flags += [f"--snapshot-push-secret={self.push_secret}", f"--resume-pull-secret={self.pull_secret}"]
        self._start_controller()

    def _start_controller(self) -> None:
        environment = self.environment
        self.metrics = free_port()
        self.controller = Daemon(
            "stasis-controller",
            [
                str(self.programs / "stasis-controller"), f"--kubeconfig={self.controller_kubeconfig}",
                f"--watch-namespaces={self.namespace}", "--health-probe-bind-address=0",
                f"--metrics-bind-address=127.0.0.1:{self.metrics}", "--metrics-secure=false",
                f"--snapshot-registry={self.snapshot_registry}/{self.namespace}", "--snapshot-registry-insecure",
                f"--image-committer-image={self.committer}",
                f"--containerd-socket-path={environment['STASIS_TESTBED_CONTAINERD']}",
                f"--containerd-root={environment['STASIS_TESTBED']}/cluster/containerd/root", *self._flags,
            ],
            self.folder / "stasis-controller.log",
        )
        self._running.append(self.controller)
        self.controller.wait_until(self._measures)

    def _measures(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _await_namespace(self) -> None:
        """Pods can only be made in a namespace that has its account."""
        deadline = time.monotonic() + 30
        while "default" not in self.kubectl("get", "serviceaccount", "default", check=False).split("NotFound")[0]:
            if time.monotonic() > deadline:
                raise DaemonError(f"the namespace {self.namespace} has no account")
            time.sleep(0.1)

    def _stop(self) -> None:
        # Sandboxes first, while there is a controller that lets them go.
        if hasattr(self, "environment"):
            for plural in _KRUISE if self._kruise else ():
                self.kubectl("delete", f"{plural}.agents.kruise.io", "--all", "--timeout=60s", check=False)
            for plural in ("batchsandboxes", "sandboxsnapshots", "pools"):
                self.kubectl("delete", f"{plural}.sandbox.opensandbox.io", "--all", "--timeout=60s", check=False)
        while self._running:
            self._running.pop().stop()
        if hasattr(self, "environment"):
            self.kubectl("delete", "namespace", self.namespace, "--wait=false", check=False)
            subprocess.run([_ROOT / "testbed" / "down", "--for", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)
