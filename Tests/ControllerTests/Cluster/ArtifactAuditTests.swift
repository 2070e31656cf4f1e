// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import PrometheusMetrics
import SandboxModels
import SnapshotProvider
import Testing

import struct Foundation.Date

@testable import Controller

/// Whether the images of snapshots are still there, on a real cluster with a provider that stores nothing.
@Suite("The images of a SandboxSnapshot")
struct ArtifactAuditTests {
    @Test("are looked for again and again, and people are told when they are missing, and when they are back")
    func missing() async throws {
        try await SandboxCluster.run(configuring: { $0.artifactCheckInterval = 0.2 }) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.capture("box", as: "keep")
            try await cluster.wait(forSnapshot: "keep") { $0.status?.phase == .succeed }
            try await cluster.setPause(true, of: "box")
            for name in ["keep", "box-pause"] {
                let found = try await cluster.wait(forSnapshot: name) { $0.audit?.status == "True" }
                #expect(found.audit?.reason == "ArtifactVerified")
                #expect(found.status?.conditions.first?.type == "Ready")
            }
            try await cluster.waitUntilMeasured("stasis_snapshots{artifact=\"available\"} 2")

            let failure = SnapshotFailure("ArtifactNotVerified", "the manifest sha256:1 is not in registry.example/box")
            cluster.provider.change { $0.verifyFailure = failure }
            for name in ["keep", "box-pause"] {
                let lost = try await cluster.wait(forSnapshot: name) { $0.audit?.status == "False" }
                #expect(lost.audit?.reason == "ArtifactMissing" && lost.audit?.message == failure.message)
                // It is told of, not thrown away.
                #expect(lost.status?.phase == .succeed && lost.status?.conditions.isTrue("Ready") == true)
            }
            #expect(try await cluster.event("ArtifactMissing", about: "keep") == failure.message)
            try await cluster.waitUntilMeasured("stasis_snapshots{artifact=\"missing\"} 2")

            // Who cannot be asked has said nothing.
            cluster.provider.change {
                $0.verifyFailure = SnapshotFailure("TargetUnavailable", "the registry is away", isRetryable: true)
            }
            try await cluster.waitUntilMeasured("stasis_artifact_checks_total{outcome=\"unreachable\"} 2")
            #expect(try await cluster.snapshots.get("keep").audit?.status == "False")

            cluster.provider.change { $0.verifyFailure = nil }
            for name in ["keep", "box-pause"] {
                try await cluster.wait(forSnapshot: name) { $0.audit?.status == "True" }
            }
            try await cluster.waitUntilMeasured("stasis_snapshots{artifact=\"missing\"} 0")
            _ = try await cluster.snapshots.delete("keep")
            try await cluster.waitUntilMeasured("stasis_snapshots{artifact=\"available\"} 1")
            try await cluster.waitUntilMeasured("stasis_sandboxes{phase=\"paused\",resource=\"batchsandboxes\"} 1")
        }
    }

    @Test("are first looked for at times that are spread, and soon if they were missing")
    func calendar() {
        let now = Date(timeIntervalSince1970: 1_000_000)
        let calendar = AuditCalendar()
        var dues: [Double] = []
        for number in 0..<200 {
            let (due, news) = calendar.due(Self.snapshot(number), every: 3600, now: now)
            #expect(news.before == nil && news.after == .unknown)
            dues.append(due.timeIntervalSince(now))
        }
        #expect(dues.allSatisfy { (0...3600).contains($0) })
        for quarter in 0..<4 { #expect(dues.count { Int($0) / 900 == quarter } > 20) }

        var lost = Self.snapshot(1000)
        lost.status = .with {
            $0.conditions = [AuditFinding.missing("gone").condition(generation: 1, now: Timestamp(now))]
        }
        let (due, news) = calendar.due(lost, every: 3600, now: now)
        #expect(due == now && news.after == .missing)
        #expect(calendar.note(.available, of: lost, next: now.addingTimeInterval(3600)) == .missing)
        #expect(calendar.due(lost, every: 3600, now: now).0 == now.addingTimeInterval(3600))
        // Another one of its name.
        lost.metadata.uid = "another"
        #expect(calendar.due(lost, every: 3600, now: now).news == (.available, .missing))
        #expect(calendar.forget(lost.key) == .missing && calendar.forget(lost.key) == nil)
    }

    private static func snapshot(_ number: Int) -> SandboxSnapshot {
        .with {
            $0.metadata.name = "keep-\(number)"
            $0.metadata.uid = "0f8fad5b-d9cb-469f-a165-70867728950\(number)"
        }
    }
}

extension SandboxSnapshot {
    fileprivate var audit: KubeModels.Condition? { status?.conditions["ArtifactAvailable"] }
}

extension SandboxCluster {
    /// Returns when a line is among what is measured.
    fileprivate func waitUntilMeasured(_ line: String) async throws {
        while !metrics.text().split(separator: "\n").contains(Substring(line)) {
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
