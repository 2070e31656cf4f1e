// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// Pausing, resuming and what becomes of timeouts.
@Suite("Pausing and resuming sandboxes of the Kruise dialect")
struct LifecycleTests {
    private func after(_ seconds: Double) -> Date { Date().addingTimeInterval(seconds) }

    private func isAbout(_ date: Date?, _ seconds: Double) -> Bool {
        date.map { abs($0.timeIntervalSinceNow - seconds) < 10 } ?? false
    }

    @Test func pausedAndResumed() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain").id
            try await cluster.server.pause(id, keptFor: nil)
            #expect(try await cluster.server.sandbox(id).status.state != .running)
            // Once more is nothing new, in whatever state it is.
            try await cluster.other.pause(id, keptFor: nil)
            let paused = try await cluster.sandbox(id, in: .paused)
            #expect(paused.expiresAt.map { $0 > after(99 * 365 * 86_400) } == true)
            let refused = await #expect(throws: SandboxError.self) {
                try await cluster.server.setTimeout(id, to: after(10), onlyIfLater: false)
            }
            #expect(refused?.code == .invalidState)
            let address = await #expect(throws: SandboxError.self) { try await cluster.server.endpoint(id, port: 80) }
            #expect(address?.code == .addressUnavailable)

            #expect(try await cluster.server.connect(id, until: after(50)))
            let running = try await cluster.sandbox(id, in: .running)
            #expect(isAbout(running.expiresAt, 50))
            #expect(try await cluster.server.endpoint(id, port: 80).address == "10.0.0.1:80")
            // Running, it is only given more.
            #expect(try await !cluster.server.connect(id, until: after(20)))
            #expect(isAbout(try await cluster.server.sandbox(id).expiresAt, 50))
            #expect(try await !cluster.server.connect(id, until: after(900)))
            #expect(isAbout(try await cluster.server.sandbox(id).expiresAt, 900))
            try await cluster.server.setTimeout(id, to: after(30), onlyIfLater: false)
            #expect(isAbout(try await cluster.object(id).spec.shutdownTime?.date, 30))
            try await cluster.server.delete(id)
            let gone = await #expect(throws: SandboxError.self) { try await cluster.server.delete(id) }
            #expect(gone?.code == .notFound)
            let late = await #expect(throws: SandboxError.self) {
                try await cluster.other.connect(id, until: after(30))
            }
            #expect(late?.code == .notFound)
        }
    }

    @Test func keptWhilePaused() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain", for: 60) {
                $0.timeout = TimeoutPolicy(.pause, leastAfterResume: 300)
            }.id
            #expect(isAbout(try await cluster.object(id).spec.pauseTime?.date, 60))
            try await cluster.server.pause(id, keptFor: .seconds(180))
            _ = try await cluster.sandbox(id, in: .paused)
            let paused = try await cluster.object(id)
            #expect(paused.metadata.annotations["agents.kruise.io/reserve-paused-sandbox-duration"] == "3m0s")
            #expect(isAbout(paused.spec.shutdownTime?.date, 180) && isAbout(paused.spec.pauseTime?.date, 180))
            // It is given no less than its policy says, and is of the same kind as before.
            #expect(try await cluster.server.connect(id, until: after(10)))
            let resumed = try await cluster.object(id)
            #expect(isAbout(resumed.spec.pauseTime?.date, 300) && isAbout(resumed.spec.shutdownTime?.date, 480))

            let never = try await cluster.create("plain", for: nil).id
            try await cluster.server.pause(never, keptFor: .seconds(180))
            _ = try await cluster.sandbox(never, in: .paused)
            #expect(try await cluster.object(never).spec.shutdownTime == nil)
            try await cluster.server.resume(never)
            _ = try await cluster.sandbox(never, in: .running)
            #expect(try await cluster.object(never).spec.shutdownTime == nil)
        }
    }

    /// A resume for which nobody says how long gives a sandbox the time that it was created with.
    @Test func resumedByItself() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain", for: 5000).id
            try await cluster.server.setTimeout(id, to: Date().addingTimeInterval(400), onlyIfLater: false)
            try await cluster.server.pause(id, keptFor: nil)
            _ = try await cluster.sandbox(id, in: .paused)
            try await cluster.server.resume(id)
            _ = try await cluster.sandbox(id, in: .running)
            let end = try #require(try await cluster.object(id).spec.shutdownTime?.date)
            #expect((4800...5001).contains(end.timeIntervalSinceNow))
        }
    }

    /// What goes the other way is refused while something is under way.
    @Test func opposites() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain").id
            // As a controller that is behind leaves it.
            _ = try await cluster.sandboxes.patch(
                String(id.dropFirst(cluster.namespace.count + 2)),
                .merge(MergePatch(["metadata": ["annotations": [PlayedController.fault: "pause"]]]))
            )
            let failing = try await cluster.other.sandbox(id)
            #expect(failing.status.state == .running)
            try await cluster.server.pause(id, keptFor: nil)
            let failed = try await cluster.sandbox(id, in: .running)
            #expect(failed.status.reason == "PAUSE_FAILED" && failed.status.message == "CheckpointFailed: no registry")
            // Its timeout is what it was, by whichever server.
            for await entry in cluster.server.directory.changes(of: id) where isAbout(entry?.sandbox.expiresAt, 600) {
                break
            }
            // It is asked for again, and fails again.
            try await cluster.server.pause(id, keptFor: nil)
            #expect(try await cluster.sandbox(id, in: .running).status.reason == "PAUSE_FAILED")
            for await entry in cluster.server.directory.changes(of: id) where isAbout(entry?.sandbox.expiresAt, 600) {
                break
            }
            // Whoever uses it takes the wish away.
            #expect(try await !cluster.server.connect(id, until: after(700)))
            let object = try await cluster.object(id)
            #expect(object.spec.paused == false)
            #expect(isAbout(object.spec.shutdownTime?.date, 700))
        }
    }

    /// When its time is over it is not there, though its controller is late.
    @Test func over() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await cluster.create("plain").id
            try await cluster.server.setTimeout(id, to: Date(), onlyIfLater: false)
            #expect(try await cluster.server.sandbox(id).status.state == .stopping)
            for attempt in [
                { try await cluster.server.setTimeout(id, to: after(60), onlyIfLater: false) },
                { try await cluster.server.pause(id, keptFor: nil) },
                { _ = try await cluster.server.connect(id, until: after(60)) },
                { _ = try await cluster.server.createSnapshot(of: id, name: nil) },
            ] {
                let error = await #expect(throws: SandboxError.self) { try await attempt() }
                #expect(error?.code == .notFound)
            }
        }
    }
}
