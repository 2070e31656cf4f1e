"""What all cases of the suite stand on: a Kubernetes with ten thousand pods, and the two clients."""

from runner.bench import Bench

from kube.api_server import ApiServer
from kube.client import Client
from kube.cluster import Cluster
from kube.pods import Pods
from kube.python_environment import make_python_environment

_PODS = 10_000


class Setting:
    """Made once for a run, and taken away at its end."""

    def __init__(self, bench: Bench) -> None:
        bench.say("the Python client, unless it is there from an earlier run")
        python, program, self.peer_name = make_python_environment(bench.cache)
        bench.say("a Kubernetes")
        cluster = bench.enter_context(Cluster())
        self.ours = Client("Stasis", [bench.programs / "measure-kube"], cluster)
        self.peer = Client(self.peer_name, [python, program], cluster)
        self.pods = Pods(ApiServer(cluster), _PODS)
        bench.callback(self.pods.delete)
        bench.say(f"{_PODS:,} pods")
        self.pods.create()
        self.page = bench.folder / "page.json"
        self.page.write_bytes(self.pods.page(500))
        self.pod_text = f"{_PODS:,} pods of {self.page.stat().st_size / 500 / 1000:.1f} kB"

    @classmethod
    def of(cls, bench: Bench) -> "Setting":
        """The one of this run."""
        if "setting" not in bench.shared:
            bench.shared["setting"] = cls(bench)
        return bench.shared["setting"]
