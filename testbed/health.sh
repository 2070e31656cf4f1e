# Whether the testbed does its work. Sourced after network.sh.
# shellcheck shell=bash disable=SC2154

answers() { curl --silent --fail --max-time 3 --output /dev/null "$@"; }
etcd_is_healthy() { inside curl --silent --fail --max-time 3 http://127.0.0.1:2379/health | grep -q '"health":"true"'; }
api_is_ready() { answers --cacert "$pki/ca.crt" "https://$address:$api_port/readyz"; }
registry_answers() { answers "http://$registry/v2/"; }
login_registry_answers() { answers --config "$pki/registry.curl" "http://$login_registry/v2/"; }
containerd_answers() { timeout 5 ctr --address "$containerd_socket" version; }
kubectl() { timeout 10 "$kubernetes/kubectl" --kubeconfig "$kubeconfig" "$@"; }
controllers_work() { kubectl get serviceaccount default --output name; }

# The node may be called ready from before: what counts is a heartbeat of the kubelet that runs now.
node_is_ready() {
    inside curl --silent --fail --max-time 3 --output /dev/null http://127.0.0.1:10248/healthz &&
        kubectl get node "$node" --output json | jq --exit-status --argjson start "$(stat --format %Y "$run/kubelet.pid")" '
            any(.status.conditions[]; .type == "Ready" and .status == "True" and (.lastHeartbeatTime | fromdate) >= $start)'
} >/dev/null

# Everything runs and answers. Takes some tenths of a second.
is_healthy() {
    local name
    for name in namespace "${daemons[@]}"; do
        is_running "$name" || return 1
    done
    [[ -f $run/environment && -S $containerd_socket ]] && ip link show "$host_interface" &&
        etcd_is_healthy && registry_answers && login_registry_answers && api_is_ready && controllers_work && node_is_ready
} >/dev/null 2>&1
