# Taking the testbed down. Sourced after the other parts.
# shellcheck shell=bash disable=SC2154

stop_together() { # NAME...
    local name
    for name; do stop "$name" 2 & done
    wait
}

# Ends everything that testbed/up has started. The cluster's contents are kept.
take_down() {
    rm -f "$run/environment"
    # Who has something to write last ends last.
    stop_together kubelet kube-proxy kube-controller-manager kube-scheduler
    stop_together kube-apiserver containerd
    containers_down
    stop_together registry login-registry etcd
    network_down
    kernel_settings_restore
    rm -f "$run/made-by" "$run/tenant.pid"
}

# Forgets the cluster's contents. Only for when nothing runs.
wipe() {
    pod_logs_down
    rm -rf "$cluster"
}
