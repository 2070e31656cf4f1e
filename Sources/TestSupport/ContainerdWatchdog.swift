// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The shell script that runs a test's containerd and cleans up after it.
///
/// It reads its standard input to the end, which comes when the test's process closes the pipe or dies in whatever way;
/// then it ends the containers, their shims and containerd, takes mounts and cgroups away, and deletes the folder. Folders
/// of watchdogs that died themselves are cleaned up by the next one.
enum ContainerdWatchdog {
    /// What the folders' names begin with; they are in /tmp because a unix socket's path is at most 107 bytes.
    static let folderPrefix = "/tmp/stasis-containerd-"

    /// Arguments: the folder, which has a `config.toml`, and `folderPrefix`. The environment has `NOTIFY_SOCKET`, on which
    /// containerd says when it is ready.
    static let script = #"""
        folder=$1
        prefix=$2
        echo $$ >"$folder/watchdog.pid"
        export PATH="$PATH:/usr/sbin:/sbin"

        # start FOLDER: runs containerd
        start() {
            containerd --config "$1/config.toml" </dev/null >>"$1/containerd.log" 2>&1 &
            echo $! >"$1/containerd.pid"
        }

        # belongs PID FOLDER: whether the process was started for the folder
        belongs() {
            tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$2/"
        }

        # stop FOLDER SIGNAL: ends containerd and waits for it
        stop() {
            pid=$(cat "$1/containerd.pid" 2>/dev/null) || return 0
            belongs "$pid" "$1" || return 0
            kill "-$2" "$pid"
            wait "$pid" 2>/dev/null
            while belongs "$pid" "$1"; do sleep 0.1; done
        }

        # kill_containers FOLDER: ends all processes of all containers, frozen ones too, and their shims
        kill_containers() {
            for process in /proc/[0-9]*; do
                shim=${process#/proc/}
                tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q "containerd-shim.* -address $1/" || continue
                kill -STOP "$shim"
                for child in $(cat "$process"/task/*/children 2>/dev/null); do
                    group=$(sed -n -e 's/^[0-9]*:freezer://p' -e 's/^0:://p' "/proc/$child/cgroup" | sort -r | head -n 1)
                    case $group in "" | /) continue ;; esac
                    echo "$group" >>"$1/cgroups"
                    for root in /sys/fs/cgroup/freezer /sys/fs/cgroup; do
                        [ -e "$root$group/cgroup.procs" ] || continue
                        xargs -r kill -KILL <"$root$group/cgroup.procs"
                        echo THAWED >"$root$group/freezer.state" 2>/dev/null
                        echo 0 >"$root$group/cgroup.freeze" 2>/dev/null
                    done
                done
                kill -KILL "$shim"
                kill -CONT "$shim"
            done
        }

        # remove_traces FOLDER: what runc and the shims keep elsewhere
        remove_traces() {
            namespaces=
            for bundle in "$1"/state/io.containerd.runtime.v2.task/*/*; do
                [ -d "$bundle" ] || continue
                address=$(cat "$bundle/address" 2>/dev/null)
                [ -z "$address" ] || rm -f "${address#unix://}"
                id=${bundle##*/}
                namespace=${bundle%/*}
                namespace=${namespace##*/}
                rm -rf "/run/containerd/runc/$namespace/$id"
            done
            for directory in "$1"/state/io.containerd.runtime.v2.task/*/; do
                namespace=$(basename "$directory")
                rmdir "/run/containerd/runc/$namespace" 2>/dev/null
                namespaces="$namespaces $namespace"
            done
            awk -v folder="$1/" 'index($2, folder) == 1 { print $2 }' /proc/self/mounts | sort -r |
                while read -r mount; do umount -l "$mount"; done
            touch "$1/cgroups"
            sort -u "$1/cgroups" | while read -r group; do
                for directory in /sys/fs/cgroup/*"$group" "/sys/fs/cgroup$group"; do
                    [ -d "$directory" ] || continue
                    for attempt in 1 2 3 4 5 6 7 8 9 10; do
                        rmdir "$directory" 2>/dev/null && break
                        sleep 0.1
                    done
                    rmdir "${directory%/*}" 2>/dev/null
                done
            done
            # Without a path of their own, containers are in a cgroup named for their namespace.
            for namespace in $namespaces; do
                rmdir /sys/fs/cgroup/*/"$namespace" "/sys/fs/cgroup/$namespace" 2>/dev/null
            done
        }

        # kill_servers FOLDER: ends the programs under test that were started for the folder
        kill_servers() {
            for process in /proc/[0-9]*; do
                case $(readlink "$process/exe") in
                */stasis-*) belongs "${process#/proc/}" "$1" && kill -KILL "${process#/proc/}" ;;
                esac
            done
        }

        clean_up() {
            kill_servers "$1"
            kill_containers "$1"
            stop "$1" TERM
            kill_containers "$1"
            remove_traces "$1"
            rm -rf "$1"
        }

        for other in "$prefix"*; do
            [ "$other" != "$folder" ] || continue
            owner=$(cat "$other/watchdog.pid" 2>/dev/null) || continue
            [ -d "/proc/$owner" ] || clean_up "$other"
        done

        start "$folder"
        while read -r command; do
            case $command in
            kill) stop "$folder" KILL && echo killed ;;
            stop) stop "$folder" TERM && echo stopped ;;
            start) start "$folder" && echo started ;;
            esac
        done
        clean_up "$folder" 2>/dev/null
        """#
}
