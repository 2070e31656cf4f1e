// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// The controller ends at any of its writes, and another one goes on.
@Suite("A controller that ends while it takes a snapshot")
struct SnapshotCrashTests {
    @Test("leaves nothing that the next one does not bring to the same end", arguments: [false, true])
    func crash(isAfter: Bool) async throws {
        try await SandboxCluster.run(isControlled: false) { cluster in
            let steps = Steps()
            try await cluster.withSteps(steps) { stepped in
                try await cluster.control(cluster.client) {
                    try await cluster.create("box")
                    try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                }
                var step = 1
                var reached = true
                while reached {
                    let name = "keep-\(step)"
                    let plan = (step: step, isAfter: isAfter)
                    reached = try await cluster.control(stepped, until: plan, of: steps) {
                        try await cluster.capture("box", as: name)
                        try await cluster.wait(forSnapshot: name) { $0.status?.phase == .succeed }
                        // The sandbox gives the turn back.
                        try await cluster.wait(for: "box") { !$0.hasCheckpoint }
                    }
                    try await cluster.control(cluster.client) {
                        try await expectTaken(name, in: cluster)
                    }
                    step += 1
                }
                // It writes down that it waits, has its turn, what it asks for, how it ends and that it is ready, and tells
                // people of most of that.
                #expect(step > 8)
                #expect(cluster.provider.mistakes.isEmpty)
            }
        }
    }

    private func expectTaken(_ name: String, in cluster: SandboxCluster) async throws {
        // Not even that may have come about.
        if try await cluster.snapshots.find(name) == nil { try await cluster.capture("box", as: name) }
        let taken = try await cluster.wait(forSnapshot: name) {
            $0.status?.phase == .succeed || $0.status?.phase == .failed
        }
        #expect(taken.status?.phase == .succeed, "\(taken.jsonText)")
        #expect(taken.status?.containers.first?.imageDigest != nil)
        #expect(taken.status?.conditions.map(\.type) == ["Ready"])
        try await cluster.wait(for: "box") { !$0.hasCheckpoint }
        #expect(cluster.provider.begun.filter { $0 == taken.metadata.uid }.count == 1)
    }
}

extension BatchSandbox {
    /// Whether it is the turn of a snapshot.
    fileprivate var hasCheckpoint: Bool {
        metadata.annotations[OpenSandbox.Annotation.record]?.contains("checkpoint") ?? false
    }
}
