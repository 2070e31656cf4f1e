// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller ends at any of its writes, and another one goes on.
@Suite("A controller that ends while it sees to a Checkpoint")
struct CheckpointCrashTests {
    @Test("leaves nothing that the next one does not bring to the same end", arguments: [false, true])
    func crash(isAfter: Bool) async throws {
        try await CheckpointCluster.run(isControlled: false) { cluster in
            let steps = Steps()
            try await cluster.cluster.withSteps(steps) { stepped in
                try await cluster.createSandbox("web")
                var step = 1
                var reached = true
                while reached {
                    let name = "cp-\(step)"
                    try await cluster.createCheckpoint(name, of: "web")
                    reached = try await cluster.control(stepped, until: (step, isAfter), of: steps) {
                        try await life(of: name, in: cluster)
                    }
                    if reached { try await cluster.control { try await life(of: name, in: cluster) } }
                    for found in [
                        try await cluster.templates.find(name)?.metadata.name,
                        try await cluster.cluster.snapshots.find(name)?.metadata.name,
                    ] { #expect(found == nil) }
                    step += 1
                }
                // The plan, the snapshot, that it waits, the template, the label, that it is done; that it goes, and what goes with it.
                #expect(step > 9)
            }
        }
    }

    /// A checkpoint from its first look to its last, from wherever it is.
    private func life(of name: String, in cluster: CheckpointCluster) async throws {
        guard let checkpoint = try await cluster.checkpoints.find(name) else { return }
        if checkpoint.metadata.deletionTimestamp == nil {
            if checkpoint.status?.phase != .succeeded {
                try await cluster.playSuccess(name)
                let done = try await cluster.wait(for: name) { $0.status?.isFinal == true }
                #expect(done.status?.phase == .succeeded, "\(done.jsonText)")
                #expect(done.status?.checkpointId == name)
            }
            let template = try await cluster.templates.get(name)
            #expect(try template.spec.podTemplate()?.spec.containers.first?.image?.contains("@sha256:") == true)
            _ = try await cluster.checkpoints.delete(name)
        }
        try await cluster.cluster.waitUntilGone(in: cluster.checkpoints, name)
    }
}
