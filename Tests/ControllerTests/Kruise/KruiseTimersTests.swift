// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

@Suite("A Sandbox of the Kruise dialect whose time comes")
struct KruiseTimersTests {
    private static func time(in seconds: Double) -> SpelledTime { SpelledTime(Date(timeIntervalSinceNow: seconds)) }

    @Test("is paused at its pauseTime, deleted at its shutdownTime also while it is paused, and kept where it says so")
    func timers() async throws {
        try await KruiseCluster.run { kruise in
            // Both are over: it is kept for three minutes more.
            let kept = try await kruise.create("kept") {
                $0.metadata.annotations[Kruise.Annotation.reservePausedSandboxDuration] = "3m"
                $0.spec.pauseTime = Self.time(in: -1)
                $0.spec.shutdownTime = Self.time(in: -1)
            }
            let reserved = try await kruise.waitUntilPaused("kept")
            #expect(reserved.metadata.uid == kept.metadata.uid)
            #expect(reserved.spec.paused == true)
            #expect(reserved.spec.shutdownTime == reserved.spec.pauseTime)
            let left =
                reserved.spec.shutdownTime?.date.timeIntervalSince(kept.metadata.creationTimestamp?.date ?? Date()) ?? 0
            #expect(left >= 179)

            // Nobody says for how long, so its shutdownTime counts. A resume alone does not pause it at once again.
            try await kruise.create("plain") { $0.spec.pauseTime = Self.time(in: 1) }
            let paused = try await kruise.waitUntilPaused("plain")
            #expect(paused.spec.paused == true)
            try await kruise.setPaused(false, of: "plain")
            let resumed = try await kruise.waitUntilReady("plain")
            #expect(resumed.spec.paused == false)
            try await kruise.edit("plain", ["spec": ["pauseTime": .string(Self.time(in: 1).text)]])
            try await kruise.waitUntilPaused("plain")
            try await kruise.edit("plain", ["spec": ["shutdownTime": .string(Self.time(in: 1).text)]])
            try await kruise.cluster.waitUntilGone(in: kruise.sandboxes, "plain")
            _ = try await kruise.waitForEvent("ShutdownTimeReached", about: "plain")
            try await kruise.cluster.waitUntilGone("plain-pause")

            // One that was not paused goes with its pod.
            try await kruise.create("short") { $0.spec.shutdownTime = Self.time(in: -1) }
            try await kruise.cluster.waitUntilGone(in: kruise.sandboxes, "short")
            try await kruise.cluster.waitUntilGone(in: kruise.cluster.pods, "short")
            #expect(try await kruise.sandboxes.find("kept") != nil)
        }
    }
}
