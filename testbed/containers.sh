# What containers are made of outside of containerd: cgroups, processes, mounts. Sourced after daemon.sh.
# shellcheck shell=bash disable=SC2154

# The cgroup of the testbed, once for each hierarchy: those of version 1, the one of version 2, or both.
cgroup_folders() { findmnt --noheadings --list --types cgroup,cgroup2 --output TARGET | sort -u | sed "s|\$|/$cgroup|"; }

cgroups_up() {
    local folder controller
    while read -r folder; do
        mkdir -p "$folder"
        if [[ -e $folder/cpuset.cpus && -z $(<"$folder/cpuset.cpus") && -e ${folder%/*}/cpuset.cpus ]]; then
            # Version 1: a new cpuset is empty, and takes no process.
            cat "${folder%/*}/cpuset.cpus" >"$folder/cpuset.cpus"
            cat "${folder%/*}/cpuset.mems" >"$folder/cpuset.mems"
        fi
        if [[ -e $folder/cgroup.controllers ]]; then
            # Version 2: what the kubelet wants to limit has to be enabled on the way down.
            for controller in cpuset cpu io memory pids hugetlb; do
                echo "+$controller" >"${folder%/*}/cgroup.subtree_control" || true
                echo "+$controller" >"$folder/cgroup.subtree_control" || true
            done 2>/dev/null
        fi
    done < <(cgroup_folders)
}

# The processes of all pods.
pod_processes() {
    local folder
    while read -r folder; do
        [[ ! -d $folder ]] || find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null || true
    done < <(cgroup_folders) | sort -un
}

# The shims of our containerd, known by its socket among their arguments. They outlive it.
shims() {
    local folder index
    local -a arguments
    for folder in /proc/[0-9]*; do
        mapfile -d '' -t arguments 2>/dev/null <"$folder/cmdline" || continue
        for index in "${!arguments[@]}"; do
            [[ ${arguments[index]} != -address || ${arguments[index + 1]-} != "$containerd_socket" ]] || echo "${folder#/proc/}"
        done
    done
}

# Ends all containers as a power failure would, and removes their mounts and cgroups; the next containerd finds them dead.
# Only for when containerd does not run.
containers_down() {
    local folder
    local -a pids
    for _ in {1..200}; do
        # A frozen process of version 1 does not even die.
        while read -r folder; do
            [[ ! -d $folder ]] || find "$folder" -name freezer.state -exec \
                sh -c 'for f; do grep -qx THAWED "$f" || echo THAWED >"$f"; done' thaw {} + 2>/dev/null || true
        done < <(cgroup_folders)
        mapfile -t pids < <(pod_processes; shims)
        ((${#pids[@]})) || break
        kill -KILL "${pids[@]}" 2>/dev/null || true
        sleep 0.05
    done
    ((${#pids[@]} == 0)) || fail "these processes of pods do not end: ${pids[*]}"
    mounts_down
    while read -r folder; do
        [[ ! -d $folder ]] || find "$folder" -depth -type d -exec rmdir {} + || true
    done < <(cgroup_folders)
    # What a reboot would have emptied if it were under /run; and the addresses of pods that are gone.
    rm -rf "$cluster"/{containerd/state,runc,cni/addresses} "$containerd_socket"
}

# Everything that is mounted below the folder of the cluster, the last first.
mounts_down() {
    local mount
    local -a mounts
    for _ in {1..5}; do
        # The kernel writes blanks in paths as \040.
        mapfile -t mounts < <(findmnt --noheadings --list --output TARGET | awk -v folder="$cluster/" 'index($0, folder) == 1' | tac)
        ((${#mounts[@]})) || return 0
        for mount in "${mounts[@]}"; do
            umount "$mount" 2>/dev/null || umount --lazy "$mount" 2>/dev/null || true
        done
    done
    fail "these mounts do not go away: ${mounts[*]}"
}

# The kubelet keeps the logs of pods outside of its own folder, known by the UIDs of the pods.
pod_logs_down() {
    local pod
    for pod in "$cluster"/kubelet/root/pods/*; do
        [[ -d $pod ]] || continue
        find /var/log/containers -maxdepth 1 -lname "/var/log/pods/*_${pod##*/}/*" -delete 2>/dev/null || true
        rm -rf /var/log/pods/*_"${pod##*/}"
    done
}
