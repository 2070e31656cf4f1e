// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Glibc
import KubeClient
import KubeModels
import NIOCore
import SandboxModels
import TestSupport
import Testing

/// What becomes of a capture when nobody, or somebody else, speaks with the holder of its freeze.
extension SandboxCluster {
    /// Has a sandbox captured up to the word of the committer, with no controller left to act upon it.
    ///
    /// - Returns: Its first container, which is frozen.
    func captureAlone(_ name: String, _ proxy: HoldingProxy) async throws -> NodeContainer {
        try await waitUntilPodsAreGone(of: name)
        let container = try await container(of: "\(name)-0")
        proxy.holdOnce("PUT", containing: "/manifests/snap-")
        try await control(client) {
            try await pauseAgain(name)
            await proxy.waitUntilHeld()
        }
        proxy.release()
        let pod = try await wait(forPodOf: "commit", of: name) { $0.ending(of: "commit") != nil }
        #expect(pod.ending(of: "commit")?.exitCode == 0)
        return container
    }

    /// The container of the holder of the freeze of a pause.
    func holder(of name: String) async throws -> NodeContainer {
        // It may hold a freeze before the kubelet has told that it runs.
        let pod = try await wait(forPodOf: "commit", of: name) { pod in
            pod.status?.containerStatuses.contains {
                $0.name == CommitJob.ContainerName.hold && $0.state?.running != nil
            } ?? false
        }
        return try await container(CommitJob.ContainerName.hold, of: pod.metadata.name)
    }

    /// Kills the holder of the freeze of a pause with SIGKILL, and waits until the cluster knows.
    func killHolder(of name: String) async throws {
        try await holder(of: name).send(SIGKILL)
        try await wait(forPodOf: "commit", of: name) { $0.ending(of: CommitJob.ContainerName.hold) != nil }
    }

    /// Asks the holder for the point of no return, as a controller does that does not live to see the answer.
    func seal(_ name: String) async throws {
        let pod = try await wait(forPodOf: "commit", of: name) { _ in true }
        let request = try await snapshots.get("\(name)-pause").metadata.annotations["stasis.dev/snapshot-request"]
        let uid = try #require(try JSONValue(json: request ?? "{}")["uid"]?.string)
        let answer = try await pods.exec(
            in: pod.metadata.name,
            ["/usr/local/bin/stasis-committer", "freeze", "seal", uid],
            container: CommitJob.ContainerName.hold
        )
        #expect(String(buffer: answer.output).contains(#""state":"sealed""#))
    }

    /// The freezes of a sandbox that are written down on the node.
    func freezes(of name: String) async throws -> [Substring] {
        let uid = try await sandboxes.get(name).metadata.uid ?? ""
        return try await freezes(containing: uid)
    }

    /// The freezes that are written down on the node for a capture whose UID contains a text.
    func freezes(containing text: String) async throws -> [Substring] {
        let leases = try await Command.run(
            "ctr",
            ["--address", testbed.containerdSocket, "--namespace", "k8s.io", "leases", "list"]
        )
        return leases.split(separator: "\n").filter { $0.contains(text) }
    }
}

extension BatchSandbox {
    /// What the state machine has written down.
    var record: String { metadata.annotations[OpenSandbox.Annotation.record] ?? "" }
}
