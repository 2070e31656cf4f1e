"""What an API server tells of a list of objects."""

import json
import ssl
import urllib.request
from collections.abc import Iterator

from kube.cluster import Cluster


class WatchLost(Exception):
    """The server cannot go on from where a watch has ended."""


def watch(cluster: Cluster, path: str) -> Iterator[dict]:
    """The events of a list, from its present state on. Where the server ends it, as it does when the definition of the kind
    changes, it goes on."""
    context = ssl.create_default_context(cafile=cluster.authority)
    version = ""
    while True:
        address = f"{cluster.address}{path}?watch=true&resourceVersion={version}"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {cluster.token}"})
        try:
            with urllib.request.urlopen(request, context=context) as stream:
                for line in stream:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise WatchLost(f"{path} after version {version}: {event['object']}")
                    version = event["object"]["metadata"]["resourceVersion"]
                    yield event
        except OSError:
            # The run is at its end, and the cluster with it. Otherwise whoever waits for an event says what did not come.
            return
