"""Does with the official client for Python what controllers do with many pods, as its documentation has it, and prints what
that took as `name=value` on one line. The cluster is the one that KUBECONFIG names.

measure.py sync NAMESPACE
measure.py events NAMESPACE --from VERSION --count COUNT
measure.py decode FILE [--times COUNT]
measure.py requests {get,patch} NAMESPACE NAMES [--parallel COUNT]
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kubernetes import client, config, watch

_PAGE = 500
_MERGE = "application/merge-patch+json"


class Stopwatch:
    """Tells what was used since it was made."""

    def __init__(self) -> None:
        self._started, self._cpu = time.monotonic(), time.process_time()

    def report(self, **counts: int) -> None:
        used = {"seconds": time.monotonic() - self._started, "cpu": time.process_time() - self._cpu}
        print(" ".join(f"{name}={value}" for name, value in {**counts, **used}.items()))


def sync(arguments: argparse.Namespace) -> None:
    """All pods of a namespace, page by page, into a dictionary."""
    api = client.CoreV1Api()
    stopwatch = Stopwatch()
    pods = {}
    token = None
    while True:
        page = api.list_namespaced_pod(arguments.namespace, limit=_PAGE, _continue=token)
        for pod in page.items:
            pod.metadata.managed_fields = None
            pods[pod.metadata.namespace, pod.metadata.name] = pod
        token = page.metadata._continue
        if not token:
            break
    stopwatch.report(pods=len(pods))


def events(arguments: argparse.Namespace) -> None:
    """The changes of pods since a state, into a dictionary."""
    api = client.CoreV1Api()
    stopwatch = Stopwatch()
    pods = {}
    count = 0
    stream = watch.Watch()
    for event in stream.stream(api.list_namespaced_pod, arguments.namespace, resource_version=arguments.begin):
        pod = event["object"]
        pod.metadata.managed_fields = None
        if event["type"] == "DELETED":
            pods.pop((pod.metadata.namespace, pod.metadata.name), None)
        else:
            pods[pod.metadata.namespace, pod.metadata.name] = pod
        count += 1
        if count == arguments.count:
            stream.stop()
    stopwatch.report(events=count)


def decode(arguments: argparse.Namespace) -> None:
    """A recorded page of a list, again and again."""
    api = client.ApiClient()
    text = Path(arguments.file).read_text()
    stopwatch = Stopwatch()
    count = 0
    for _ in range(arguments.times):
        count += len(api.deserialize(text, "V1PodList", "application/json").items)
    stopwatch.report(pods=count)


def requests(arguments: argparse.Namespace) -> None:
    """Reads or patches one pod after the other, several at a time."""
    names = Path(arguments.names).read_text().split()
    api = client.CoreV1Api()

    def send(name: str) -> None:
        if arguments.verb == "get":
            api.read_namespaced_pod(name, arguments.namespace)
        else:
            patch = {"metadata": {"annotations": {"bench.example.com/seen": str(time.time_ns())}}}
            api.patch_namespaced_pod(name, arguments.namespace, patch, _content_type=_MERGE)

    stopwatch = Stopwatch()
    with ThreadPoolExecutor(arguments.parallel) as threads:
        for _ in threads.map(send, names):
            pass
    stopwatch.report(requests=len(names))


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("sync")
    command.set_defaults(run=sync)
    command.add_argument("namespace")
    command = commands.add_parser("events")
    command.set_defaults(run=events)
    command.add_argument("namespace")
    command.add_argument("--from", dest="begin", required=True)
    command.add_argument("--count", type=int, required=True)
    command = commands.add_parser("decode")
    command.set_defaults(run=decode)
    command.add_argument("file")
    command.add_argument("--times", type=int, default=1)
    command = commands.add_parser("requests")
    command.set_defaults(run=requests)
    command.add_argument("verb", choices=["get", "patch"])
    command.add_argument("namespace")
    command.add_argument("names")
    command.add_argument("--parallel", type=int, default=8)
    arguments = parser.parse_args()
    config.load_kube_config()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
