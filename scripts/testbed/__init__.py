"""A containerd, a registry and a stasis-server of one's own, in one folder, on free loopback ports.

The demonstration and the compatibility tests both stand on it. Everything in it is real: Debian's containerd, runc,
CNI plugins and docker-registry. Standard library only. It needs root.
"""

from testbed.cluster import Cluster, ClusterServer
from testbed.daemon import DaemonError
from testbed.fingerprint import Fingerprint, compare, fingerprint_of_folder, fingerprint_of_sandbox
from testbed.freezing import FreezeWatch
from testbed.machine import Testbed
from testbed.shell import Shell, ShellError
from testbed.traces import Traces

__all__ = [
    "Cluster",
    "ClusterServer",
    "DaemonError",
    "Fingerprint",
    "FreezeWatch",
    "Shell",
    "ShellError",
    "Testbed",
    "Traces",
    "compare",
    "fingerprint_of_folder",
    "fingerprint_of_sandbox",
]
