// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

@Suite("A BatchSandbox whose expireTime passes")
struct ExpiryTests {
    private static func date(in seconds: Double) -> JSONValue {
        .string(Date(timeIntervalSinceNow: seconds).formatted(.iso8601))
    }

    @Test(
        "is deleted with its pods, or gives them back to its pool; one that is renewed stays",
        .timeLimit(.minutes(10))
    )
    func expiry() async throws {
        try await SandboxCluster.run(capturing: nil) { cluster in
            try await cluster.whilePodsAreReady {
                try await cluster.createPaperPool("p", pool: 1...1, recycling: .noop)
                try await cluster.createPooled("pooled", of: "p")
                try await cluster.createPooled("waiting", of: "p")
                let pod = try #require(try await cluster.waitForPods(1, of: "pooled").first)
                for name in ["own", "paused", "resting", "renewed"] {
                    try await cluster.create(name) { template in
                        // Only what is captured has to run.
                        guard !["paused", "resting"].contains(name) else { return }
                        template.spec.unknownFields["schedulerName"] = RawJSON(
                            JSONValue.string(SandboxCluster.noScheduler)
                        )
                    }
                    try await cluster.wait(for: name) { $0.status?.phase == .succeed }
                }
                let isResting = OpenSandbox.Annotation.expiresWhilePaused
                try await cluster.edit("resting", ["metadata": ["annotations": [isResting: "false"]]])
                for name in ["paused", "resting"] {
                    let paused = try await cluster.pause(name)
                    #expect(paused.status?.phase == .paused)
                }
                try await cluster.edit("renewed", ["spec": ["expireTime": Self.date(in: 3)]])
                try await cluster.edit("renewed", ["spec": ["expireTime": Self.date(in: 3600)]])
                for name in ["own", "pooled", "paused", "resting"] {
                    try await cluster.edit(name, ["spec": ["expireTime": Self.date(in: 2)]])
                }
                for name in ["own", "pooled", "paused"] { try await cluster.waitUntilGone(sandbox: name) }
                #expect(try await cluster.event("Expired", about: "own").contains("expireTime"))
                try await cluster.waitUntilGone(in: cluster.pods, "own-0")
                #expect(try await cluster.waitForPods(1, of: "waiting") == [pod], "through recycling")
                // One that has nothing yet expires all the same; a date that has passed acts at once.
                try await cluster.createPooled("unserved", of: "p")
                try await cluster.edit("unserved", ["spec": ["expireTime": Self.date(in: -5)]])
                try await cluster.waitUntilGone(sandbox: "unserved")
                #expect(try await cluster.sandboxes.get("renewed").status?.phase == .succeed)
                // Its time does not count while it is paused, as long as it says so.
                #expect(try await cluster.sandboxes.get("resting").status?.phase == .paused)
                try await cluster.edit("resting", ["metadata": ["annotations": [isResting: .null]]])
                try await cluster.waitUntilGone(sandbox: "resting")
            }
        }
    }
}
