"""OpenSandbox's own server, as its makers have released it, in front of the namespace of a cluster."""

import os
import secrets
import urllib.error
import urllib.request

from testbed import Cluster
from testbed.daemon import Daemon, free_port

_CONFIGURATION = """\
[server]
host = "127.0.0.1"
port = {port}
api_key = "{key}"

[runtime]
type = "kubernetes"
execd_image = "{execd}"

[store]
type = "sqlite"
path = "{folder}/official.db"

[kubernetes]
kubeconfig_path = "{kubeconfig}"
namespace = "{namespace}"
workload_provider = "batchsandbox"
batchsandbox_template_file = "{template}"

[ingress]
mode = "direct"
"""

# That server names no secret for images of snapshots: they have to be in its template.
_TEMPLATE = """\
spec:
  template:
    spec:
      restartPolicy: Always
      terminationGracePeriodSeconds: 1
      imagePullSecrets: [{{name: {secret}}}]
"""


class OfficialServer:
    """A running one; `address` is its host and port, `key` the API key that it wants."""

    def __init__(self, cluster: Cluster) -> None:
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.key = secrets.token_hex(16)
        configuration, template = cluster.folder / "official.toml", cluster.folder / "official-template.yaml"
        template.write_text(_TEMPLATE.format(secret=cluster.pull_secret))
        configuration.write_text(
            _CONFIGURATION.format(
                port=port, key=self.key, execd=cluster.execd_image, folder=cluster.folder, template=template,
                kubeconfig=cluster.environment["KUBECONFIG"], namespace=cluster.namespace,
            )
        )
        command = [os.environ["STASIS_OFFICIAL_SERVER"], "--config", str(configuration)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENSANDBOX_", "SANDBOX_"))}
        self._daemon = Daemon("opensandbox-server", command, cluster.folder / "official.log", environment)
        self._daemon.wait_until(self._answers, 60)

    def stop(self) -> None:
        self._daemon.stop()

    def end_of_log(self) -> str:
        return self._daemon.end_of_log(60)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
