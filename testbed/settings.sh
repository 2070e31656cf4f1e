# Where the testbed keeps its state, and its names and addresses. Sourced by the scripts beside it.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

STASIS_TESTBED=${STASIS_TESTBED:-${STASIS_CACHE_DIR:-$HOME/.cache/stasis}/testbed}
export STASIS_TESTBED
state=$STASIS_TESTBED

# What a fresh start forgets, and what it keeps.
cluster=$state/cluster
run=$state/run
logs=$state/logs
pki=$state/pki
kubeconfig=$pki/admin.conf
containerd_socket=$cluster/containerd/containerd.sock

# Every daemon and every pod lives in a network namespace of the testbed's own. No route leads out of it, so nothing can
# leave the machine, and the addresses, ports and firewall rules of Kubernetes are not the machine's. The machine has one
# foot on the pods' bridge.
host_interface=stasis-testbed
host_address=10.91.0.2
bridge=stasis-pods
address=10.91.0.1
pod_network=10.91.0.0/24
first_pod_address=10.91.0.10
service_network=10.92.0.0/16
api_service_address=10.92.0.1
api_port=6443
kubelet_port=10250
registry=$address:5000
login_registry=$address:5001

daemons=(
    etcd registry login-registry containerd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy
)
node=stasis-node
# Above the kubelet's own, so that no two testbeds have the same.
cgroup=stasis-testbed-$(sha256sum <<<"$state" | cut -c 1-8)

export PATH=$PATH:/usr/sbin:/sbin

say() { echo "testbed: $*" >&2; }
fail() {
    say "$*"
    exit 1
}

# What is made once is remade as soon as a command changes in the scripts that make it: their hash is in its name.
recipe() { (cd "$(dirname "${BASH_SOURCE[0]}")" && grep -hvE '^[[:space:]]*(#|$)' "$@" | sha256sum | cut -c 1-12); }
kubernetes=$state/kubernetes-$(recipe build)
