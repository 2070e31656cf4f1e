# The testbed's network namespace, its bridge, and this machine's foot on it. Sourced after daemon.sh.
# shellcheck shell=bash disable=SC2034,SC2154

# A process in the namespace. All daemons are; while one of them runs the namespace exists, and no mount is needed to keep
# it, which an unshared mount namespace (of a build, a container, a test) would not see.
namespace_member() {
    local name
    for name in namespace "${daemons[@]}"; do
        pid_of "$name" && return
    done
    return 1
}

# Runs a command in the namespace, but with the machine's files and processes.
inside() {
    local member
    member=$(namespace_member) || fail "there is no network namespace; run 'make testbed'"
    nsenter --net="/proc/$member/ns/net" "$@"
}

# Makes what is missing. Sets network_is_new if that is the namespace: then pods from before have lost their network.
network_up() {
    local member owner network other
    network_is_new=
    for network in "$pod_network" "$service_network"; do
        other=$(ip -json route show exact "$network" | jq --raw-output --arg ours "$host_interface" '.[].dev | select(. != $ours)')
        [[ -z $other ]] || fail "this machine has $network behind $other, but the testbed needs it: see testbed/settings.sh"
    done
    if member=$(namespace_member); then
        start namespace nsenter --net="/proc/$member/ns/net" sleep infinity
    else
        owner=$(foot_owner)
        [[ -z $owner || $owner == "$state" ]] ||
            fail "the testbed of $owner is up, and there can be only one: run STASIS_TESTBED=$owner make testbed-down"
        [[ -z $owner ]] || ip link delete "$host_interface" 2>/dev/null || true
        start namespace unshare --net sleep infinity
        member=$(pid_of namespace)
        wait_for namespace 10 "a network namespace" differs "$member"
        network_is_new=yes
    fi
    inside ip link set lo up
    if ! inside ip link show "$bridge" >/dev/null 2>&1; then
        inside ip link add "$bridge" type bridge
    fi
    # Without an address of its own, a bridge takes that of one of its ports. It would be another one when a pod comes or goes,
    # and this machine would go on talking to the one it knows.
    inside ip link set "$bridge" address 0a:5b:00:00:00:01
    inside ip address replace "$address/${pod_network#*/}" dev "$bridge"
    inside ip link set "$bridge" up
    if ! ip link show "$host_interface" >/dev/null 2>&1; then
        ip link add "$host_interface" type veth peer name machine netns "/proc/$member/ns/net"
    fi
    inside ip link set machine master "$bridge" up
    ip link set "$host_interface" alias "$state"
    ip address replace "$host_address/${pod_network#*/}" dev "$host_interface"
    ip link set "$host_interface" up
    ip route replace "$service_network" via "$address" dev "$host_interface"
    # The addresses of services exist in the rules of kube-proxy only, but a packet needs a route before it meets them.
    inside ip route replace "$service_network" dev "$bridge" src "$address"
    # shellcheck disable=SC2016 # expanded inside, where these files are the namespace's own
    inside sh -euc '
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >"/proc/sys/net/ipv4/conf/$1/route_localnet"
        # Pods on one bridge reach one another through services only if bridged packets meet the rules too.
        [ -e /proc/sys/net/bridge ] || modprobe br_netfilter
        echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables' network "$bridge"
}

differs() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }

# The state folder of the testbed that this machine has its foot in.
foot_owner() {
    ip -json link show "$host_interface" 2>/dev/null | jq --raw-output --arg state "$state" '.[0].ifalias // $state' || true
}

# The interfaces inside go with the namespace when its last process ends.
network_down() {
    stop namespace
    [[ $(foot_owner) != "$state" ]] || ip link delete "$host_interface" 2>/dev/null || true
}
