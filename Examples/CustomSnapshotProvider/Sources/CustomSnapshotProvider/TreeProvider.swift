// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Foundation
import KubeModels
import SandboxModels
import SnapshotProvider

/// Saves `/workspace` of each container as a tarball in a folder that all nodes share, and brings it back into a volume there.
struct TreeProvider: SnapshotProvider {
    let jobs: NodeJobs
    let image: String
    let store: String
    let name = "tree"
    let capabilities = ProviderCapabilities(canHoldFrozen: true, storesImages: false)

    /// What Jobs do: `$0` is the task. Whoever writes the outcome first decides it.
    private static let script = #"""
        dir=/store/${CAPTURE-}; root=/cgroup; [ ! -d /cgroup/freezer ] || root=/cgroup/freezer
        decide() { mkdir -p $dir; ln -sn $1 $dir/outcome 2>/dev/null || :; readlink $dir/outcome; }
        group() { find $root -type d -name "*$1*" | head -n 1; }
        turn() { # FROZEN 1 or THAWED 0: the whole pod, with either version of cgroups, if it is still there.
            if [ -e "$pod/cgroup.freeze" ]; then echo $2 >"$pod/cgroup.freeze"
                until grep -q "frozen $2" "$pod/cgroup.events"; do sleep 0.1; done
            elif [ -e "$pod/freezer.state" ]; then
                until echo $1 >"$pod/freezer.state" && grep -q $1 "$pod/freezer.state"; do sleep 0.1; done; fi; }
        processes() { [ ! -d "$pod" ] || find "$pod" -name cgroup.procs -exec cat {} +; }
        set -- ${IDS-}; pod=; [ $# = 0 ] || pod=$(group $1); pod=${pod%/*}
        case $0 in
        hold) mkdir -p $dir; : >$dir/holder; trap : TERM; sleep $((UNTIL - $(date +%s))) & wait $! || :
            [ "$(decide thawed)" != thawed ] || turn THAWED 0 ;;
        capture) until [ -e $dir/holder ]; do sleep 0.1; done; turn FROZEN 1
            if [ -L $dir/outcome ]; then turn THAWED 0; exit 1; fi
            for name in $NAMES; do read -r process <"$(group $1)/cgroup.procs"; shift
                [ ! -L /proc/$process/root/workspace ]; tar -C /proc/$process/root/workspace -czf $dir/$name.tgz .
                sum=$(sha256sum <$dir/$name.tgz); echo $name ${sum%% *} $(wc -c <$dir/$name.tgz) >>/dev/termination-log
            done; sync; [ ! -L $dir/outcome ] ;;
        seal) decide sealed >/dev/termination-log ;;
        release) [ "$(decide sealed)" = sealed ]; for one in $(processes); do kill -KILL $one || :; done
            turn THAWED 0; until [ -z "$(processes)" ]; do sleep 0.1; done ;;
        thaw) [ "$(decide thawed)" = thawed ]; turn THAWED 0; rm -f $dir/*.tgz ;;
        verify) echo "$TREES" | sha256sum -c >&2 ;;
        restore) echo "$TREES" | sha256sum -c >&2; tar -C /workspace -xzf "${TREES#*  }" ;;
        delete) echo "$TREES" | while read -r sum file; do rm -f "$file"; done ;;
        esac
        """#

    func capture(_ request: SnapshotRequest) async -> Step<Artifact> {
        await jobs.perform(job(["capture", "hold"], request)).map { end in
            let lines = (end.message ?? "").split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            guard end.exitCode == 0, lines.allSatisfy({ $0.count == 3 }) else {
                return .failed(SnapshotFailure("TreeNotSaved", end.message ?? "Look at the log of the Job's pod."))
            }
            let parts = lines.map {
                let (tree, digest) = ("\(request.uid)/\($0[0]).tgz", "sha256:\($0[1])")
                return Artifact.Part(container: $0[0], reference: tree, digest: digest, size: Int64($0[2]) ?? 0)
            }
            return .done(Artifact(kind: "application/x-tree", provider: name, parts: parts, platform: "linux"))
        }
    }
    func seal(_ request: SnapshotRequest) async -> Step<Sealed> {
        await jobs.complete(job(["seal"], request)).map {
            $0.hasPrefix("sealed") ? .done(Sealed()) : .failed(SnapshotFailure("FreezeLost", "It was thawed before."))
        }
    }
    func release(_ request: SnapshotRequest) async -> Step<Released> {
        await jobs.complete(job(["release"], request)).map { _ in .done(Released()) }
    }
    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> {
        await jobs.complete(job(["thaw"], request)).map { _ in .done(Abandoned()) }
    }
    func forget(_ request: SnapshotRequest) async -> Step<Forgotten> {
        await jobs.remove(["capture", "seal", "release", "thaw"], of: request)
    }
    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> {
        await jobs.performAnew(job("verify", artifact, namespace)).map { end in
            end.exitCode == 0 ? .done(Verified()) : .failed(SnapshotFailure("TreeDamaged", end.message ?? "No reason."))
        }
    }
    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        await jobs.complete(job("delete", artifact, namespace)).map { _ in .done(Deleted()) }
    }
    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        var patch = TemplatePatch(volumes: [storeVolume.jsonText, #"{"name":"trees","emptyDir":{}}"#])
        for part in artifact.parts {
            let workspace = VolumeMount("trees", at: "/workspace", part: part.container)
            var unpack = container("restore", ["TREES": tree(part)], workspace)
            unpack.name = "restore-\(part.container)"
            patch.initContainers.append(unpack.jsonText)
            patch.volumeMounts[part.container] = [workspace.jsonText]
        }
        return patch
    }

    private func job(_ tasks: [String], _ request: SnapshotRequest) -> NodeJob {
        let until = if case .holdFrozen(let until) = request.afterwards { until } else { Date.now }
        let containers = request.source.containers
        var variables = ["CAPTURE": request.uid, "UNTIL": "\(Int(until.timeIntervalSince1970))"]
        variables["NAMES"] = containers.map(\.name).joined(separator: " ")
        variables["IDS"] = containers.map(\.id).joined(separator: " ")
        let limit = max(0, Int(until.timeIntervalSinceNow)) + 120
        return NodeJob(tasks[0], for: request, deadline: limit, pod: pod(tasks, variables))
    }
    private func job(_ task: String, _ artifact: Artifact, _ namespace: String) -> NodeJob {
        let name = "tree-\(task)-\(artifact.parts.first?.digest.suffix(16) ?? "")"
        let trees = artifact.parts.map(tree).joined(separator: "\n")
        return NodeJob(name: name, in: namespace, pod: pod([task], ["TREES": trees]))
    }
    private func pod(_ tasks: [String], _ variables: [String: String]) -> PodSpec {
        .with {
            $0.hostPID = true
            $0.containers = tasks.map { container($0, variables, VolumeMount("cgroup", at: "/cgroup")) }
            $0.volumes = [storeVolume, Volume("cgroup", ofNode: "/sys/fs/cgroup", type: "Directory")]
        }
    }
    private func container(_ task: String, _ variables: [String: String], _ mount: VolumeMount) -> Container {
        .with {
            ($0.name, $0.image, $0.command) = (task, image, ["/bin/sh", "-euc", Self.script, task])
            $0.env = variables.map { EnvVar($0, $1) }
            $0.volumeMounts = [mount, VolumeMount("tree-store", at: "/store")]
            $0.terminationMessagePolicy = "FallbackToLogsOnError"
            // For files of anybody, for the root of a process, and to end processes.
            $0.securityContext = .init(rootWith: ["CHOWN", "FOWNER", "DAC_OVERRIDE", "SYS_PTRACE", "KILL"])
        }
    }
    private var storeVolume: Volume { .init("tree-store", ofNode: store, type: "DirectoryOrCreate") }
    private func tree(_ part: Artifact.Part) -> String { "\(part.digest.dropFirst(7))  /store/\(part.reference)" }
}
