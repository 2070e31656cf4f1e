// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import PrometheusMetrics
import SandboxModels
import SnapshotProvider
import Testing

import struct Foundation.Date

@testable import Controller

@Suite("What is measured of sandboxes")
struct SandboxMetricsTests {
    private static let policy = LifecyclePolicy()

    /// A record of one replica that is in a phase since a time.
    private static func record(_ phase: Phase, since time: Double) -> AggregateRecord {
        var record = Aggregate.decide(
            intent: AggregateIntent(Intent(wish: .running, generation: 1), replicas: 1),
            recorded: AggregateRecord(identity: "box"),
            observations: [:],
            now: Date(timeIntervalSince1970: 0),
            policy: policy
        ).record
        record.members[0].recorded.phase = phase
        record.members[0].recorded.since = Date(timeIntervalSince1970: time)
        return record
    }

    @Test("transitions with what they took, captures, and failures by reason")
    func transitions() {
        let registry = PrometheusRegistry()
        let metrics = SandboxMetrics(factory: registry)
        let capture = CaptureAttempt(uid: "c", number: 2, deadline: Date(timeIntervalSince1970: 600))
        let running = Self.record(.running, since: 100)
        var pausing = Self.record(.pausing(capture), since: 200)
        pausing.stage = .pausing
        metrics.recorded(pausing, insteadOf: running)
        // Nothing has changed.
        metrics.recorded(pausing, insteadOf: pausing)

        var undoing = pausing
        undoing.stage = .undoing(because: Problem("TargetUnavailable", "no"))
        metrics.recorded(undoing, insteadOf: pausing)
        var back = Self.record(.running, since: 203)
        back.pauseFailure = Problem("TargetUnavailable", "no")
        metrics.recorded(back, insteadOf: undoing)

        var paused = Self.record(.paused, since: 205)
        paused.stage = .paused
        var artifact = Artifact(provider: "p", parts: [], platform: "linux/amd64")
        artifact.statistics = Artifact.Statistics(frozenMilliseconds: 250, bytesRead: 1000, bytesWritten: 70)
        paused.members[0].recorded.artifact = artifact
        metrics.recorded(paused, insteadOf: pausing)

        let lines = Set(registry.text().split(separator: "\n").map(String.init))
        for line in [
            "stasis_sandbox_transitions_total{from=\"running\",to=\"pausing\"} 1",
            "stasis_sandbox_transitions_total{from=\"thawing\",to=\"running\"} 1",
            "stasis_sandbox_phase_duration_seconds_sum{phase=\"running\",to=\"pausing\"} 100",
            "stasis_sandbox_phase_duration_seconds_sum{phase=\"pausing\",to=\"paused\"} 5",
            "stasis_sandbox_pause_failures_total{reason=\"TargetUnavailable\"} 1",
            "stasis_sandbox_pauses_total{result=\"failed\"} 1",
            "stasis_sandbox_pauses_total{result=\"succeeded\"} 1",
            "stasis_sandbox_resumes_total{result=\"failed\"} 0",
            "stasis_sandbox_frozen_seconds_sum 0.25",
            "stasis_capture_read_bytes_total 1000",
            "stasis_capture_written_bytes_total 70",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
    }

    @Test("reasons that are no words are counted as one")
    func reasons() {
        let registry = PrometheusRegistry()
        let metrics = SandboxMetrics(factory: registry)
        for reason in ["no space on /var", "", String(repeating: "a", count: 65), "Über"] {
            var before = Self.record(.running, since: 1)
            before.stage = .undoing(because: Problem(reason, ""))
            var after = Self.record(.running, since: 2)
            after.pauseFailure = Problem(reason, "")
            metrics.recorded(after, insteadOf: before)
        }
        #expect(registry.text().contains("stasis_sandbox_pause_failures_total{reason=\"Other\"} 4\n"))
    }

    @Test("how long every provider takes to answer, by step and outcome, and nothing else changes")
    func providers() async throws {
        let registry = PrometheusRegistry.forController()
        let (standard, other) = (InstantProvider(), InstantProvider(name: "other"))
        let measured = SnapshotProviders(standard, others: [other]).measured(registry)
        #expect(measured.names == ["instant", "other"])
        #expect(measured.standard.capabilities == standard.capabilities)
        let source = SnapshotSource(
            sandbox: "box",
            namespace: "n",
            pod: "box-0",
            podUID: "p",
            node: "node",
            containers: [SnapshotContainer(name: "main", id: "c", image: "i@sha256:1", target: "r/box:1")]
        )
        let request = SnapshotRequest(uid: "u", source: source, afterwards: .keepRunning)
        for isHeld in [true, false] {
            standard.change { $0.isHeld = isHeld }
            let answer = await measured.standard.capture(request)
            #expect(await answer == standard.capture(request))
        }
        standard.change {
            $0.sealFailure = SnapshotFailure("Thawed", "too late")
            $0.preflightFailures["box-0"] = SnapshotFailure("NoSpace", "none")
        }
        #expect(await measured.standard.seal(request) == .failed(SnapshotFailure("Thawed", "too late")))
        await #expect(throws: SnapshotFailure.self) { try await measured.standard.preflight(request) }
        _ = await measured["other"]?.forget(request)
        #expect(standard.calls == ["capture", "seal"] && other.calls == ["forget"])

        let lines = Set(registry.text().split(separator: "\n").map(String.init))
        for (provider, step, outcome) in [
            ("instant", "capture", "waiting"), ("instant", "capture", "done"), ("instant", "seal", "failed"),
            ("instant", "preflight", "failed"), ("other", "forget", "done"),
        ] {
            let labels = "outcome=\"\(outcome)\",provider=\"\(provider)\",step=\"\(step)\""
            #expect(lines.contains("stasis_provider_step_duration_seconds_count{\(labels)} 1"), "\(labels)")
        }
        #expect(lines.count { $0.hasPrefix("stasis_provider_step_duration_seconds_count") } == 5)
    }
}
