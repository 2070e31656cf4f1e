// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

// Strings of files.
import Foundation
import KubeModels
import Subprocess
import TestSupport

/// What the node has of the pods of a namespace: containers, snapshots, mounts, and what is written down of captures. All of it has to
/// go with them, or a node would fill up.
struct NodeTraces {
    let cluster: SandboxCluster
    /// The IDs of the containers that there have been.
    private(set) var containers: Set<String> = []
    /// What else names something of these pods: their UIDs, and their network namespaces.
    private var words: Set<String> = []

    init(of cluster: SandboxCluster) { self.cluster = cluster }

    /// Takes note of a word that stands in the names of things that are to go.
    mutating func note(_ word: String) { words.insert(word) }

    /// Takes note of the containers that are there now.
    mutating func noteContainers() async throws {
        for id in try await present() where containers.insert(id).inserted {
            let text: String
            do {
                text = try await ctr("containers", "info", id)
            } catch {
                // Of a pod that has been released, it may go at any time.
                guard try await present().contains(id) else { continue }
                throw error
            }
            let info = try JSONValue(json: text)
            if let uid = info["Labels"]?["io.kubernetes.pod.uid"]?.string { words.insert(uid) }
            for space in info["Spec"]?["linux"]?["namespaces"]?.array ?? [] where space["type"] == "network" {
                // Those of other containers of the pod are named by a process.
                guard let path = space["path"]?.string, !path.hasPrefix("/proc/") else { continue }
                words.insert(path.split(separator: "/").last.map(String.init) ?? path)
            }
        }
    }

    private func present() async throws -> [String] {
        let filter = "labels.\"io.kubernetes.pod.namespace\"==\(cluster.namespace)"
        return try await ctr("containers", "list", "--quiet", filter).split(separator: "\n").map(String.init)
    }

    /// What is left.
    func leftovers() async throws -> [String] {
        let all = containers.union(words)
        let lists = try await [
            ctr("containers", "list", "--quiet"), ctr("snapshots", "list"), ctr("leases", "list"),
        ]
        let lines = try lists.flatMap { $0.split(separator: "\n") }.map(String.init) + mounts()
        return lines.filter { line in all.contains { line.contains($0) } }
    }

    /// Returns when nothing is left after `body`, which takes the last of the pods away: its end is what the node does last.
    func expectNothing(after body: @escaping @Sendable () async throws -> Void) async throws {
        _ = try await Subprocess.run(
            .name("ctr"),
            arguments: Arguments(["--address", cluster.testbed.containerdSocket, "events"]),
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            try await body()
            for try await line in execution.standardOutput.strings()
            where line.contains("/delete") || line.contains("/remove") {
                if try await leftovers().isEmpty { break }
            }
            try execution.send(signal: .kill)
        }
    }

    /// As the node sees them: it may have a mount namespace of its own.
    private func mounts() throws -> [String] {
        let file = try String(contentsOfFile: "\(cluster.testbed.folder)/run/containerd.pid", encoding: .utf8)
        guard let process = file.split(separator: " ").first.flatMap({ Int32($0) }) else { return [] }
        return MountTable.lines(of: process)
    }

    private func ctr(_ arguments: String...) async throws -> String {
        try await Command.run(
            "ctr",
            ["--address", cluster.testbed.containerdSocket, "--namespace", "k8s.io"] + arguments
        )
    }
}
