# The configuration files of the daemons. Sourced after settings.sh.
# shellcheck shell=bash disable=SC2154

# Writes a file only if that changes it: kube-proxy ends when its file is written again.
put() { # FILE
    mkdir -p "${1%/*}"
    cat >"$1.new"
    if cmp --quiet "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

# Whether this machine lets root lower an OOM score. Where it does not, containers keep the score that they inherit.
may_lower_oom_score() {
    local capabilities
    capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    ((16#$capabilities >> 24 & 1)) # CAP_SYS_RESOURCE
}

write_configuration() {
    local name
    put "$cluster/registry/config.yml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $cluster/registry/data}, delete: {enabled: true}}
http: {addr: '$registry'}
YAML
    put "$cluster/login-registry/config.yml" <<YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $cluster/login-registry/data}, delete: {enabled: true}}
http: {addr: '$login_registry'}
auth: {htpasswd: {realm: stasis-testbed, path: $pki/registry.htpasswd}}
YAML
    for name in "$registry" "$login_registry"; do
        put "$cluster/containerd/hosts/$name/hosts.toml" <<TOML
server = "http://$name"
[host."http://$name"]
  capabilities = ["pull", "resolve", "push"]
TOML
    done
    # The folders that containerd and runc would share with another containerd on this machine are all named.
    # No AppArmor, and no hugetlb: not every machine for tests has them.
    put "$cluster/containerd/config.toml" <<TOML
version = 2
root = "$cluster/containerd/root"
state = "$cluster/containerd/state"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper",
]
[grpc]
  address = "$containerd_socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "$cluster/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$registry/stasis/pause:1"
  restrict_oom_score_adj = $(may_lower_oom_score && echo false || echo true)
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "$cluster/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$cluster/cni/networks"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$cluster/containerd/hosts"
TOML
    put "$cluster/cni/networks/10-stasis.conflist" <<JSON
{
  "cniVersion": "0.4.0",
  "name": "stasis-testbed",
  "plugins": [
    {
      "type": "bridge", "bridge": "$bridge", "isGateway": true, "ipMasq": false, "hairpinMode": true,
      "ipam": {
        "type": "host-local", "dataDir": "$cluster/cni/addresses",
        "ranges": [[{"subnet": "$pod_network", "rangeStart": "$first_pod_address", "gateway": "$address"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
JSON
    # Pods have no name server: there is no DNS in the cluster, and none outside that they could reach.
    put "$cluster/kubelet/resolv.conf" <<<"nameserver 127.0.0.1"
    # The disk of a machine for tests may be fuller than a node's should be: no image is collected, no pod evicted for it.
    # Device plugins would have their folder outside of ours, where another kubelet has it.
    put "$cluster/kubelet/config.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
port: $kubelet_port
healthzBindAddress: 127.0.0.1
readOnlyPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet-server.crt
tlsPrivateKeyFile: $pki/kubelet-server.key
cgroupDriver: cgroupfs
cgroupRoot: /$cgroup
failSwapOn: false
resolvConf: $cluster/kubelet/resolv.conf
volumePluginDir: $cluster/kubelet/volume-plugins
featureGates: {DevicePlugins: false}
oomScoreAdj: 0
maxOpenFiles: 20000
maxPods: 200
nodeStatusUpdateFrequency: 5s
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
streamingConnectionIdleTimeout: 1h0m0s
runtimeRequestTimeout: 10m
YAML
    put "$cluster/kube-proxy/config.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $pki/kube-proxy.conf}
hostnameOverride: $node
bindAddress: $address
healthzBindAddress: 127.0.0.1:10256
metricsBindAddress: 127.0.0.1:10249
clusterCIDR: $pod_network
conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
nodePortAddresses: [127.0.0.0/8, $pod_network]
YAML
}
