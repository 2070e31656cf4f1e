// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Committer
@testable import SnapshotEngine

/// The pod runs on as soon as it has been read, not when its image is stored.
@Suite("A commit that keeps the pod running")
struct CheckpointTests {
    @Test("thaws when everything has been read, and says how long that took")
    func thawsAfterReading() async throws {
        try await CommitterPod.with(megabytes: 4) { pod in
            pod.holding.holdOnce("PUT", containing: "/manifests/1")
            let clock = ContinuousClock()
            let begin = clock.now
            let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)") { _ in
                await pod.holding.waitUntilHeld()
                #expect(!pod.isAnyFrozen)
                #expect(try await pod.freezes().isEmpty)
                // As long as it took up to here: a freeze up to the end would be longer than up to here.
                try await Task.sleep(for: clock.now - begin)
                pod.holding.release()
            }
            let half = (clock.now - begin) / 2
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            let frozen = try #require(try ending.containers().first?.frozenMilliseconds)
            #expect(frozen > 0 && .milliseconds(frozen) < half)
        }
    }

    @Test("thaws although nothing of its layers is stored yet, also of several containers")
    func thawsBeforeStoring() async throws {
        try await CommitterPod.with(megabytes: 12, sideScript: "echo aside >/root/aside; sleep 9999") { pod in
            pod.holding.holdOnce("PATCH", containing: "\(pod.name)/blobs/uploads/")
            let ending = try await pod.program.run(
                "commit",
                pod.name,
                "team",
                "main:\(pod.target)",
                "side:\(pod.sideTarget)"
            ) { _ in
                await pod.holding.waitUntilHeld()
                try await pod.waitUntilThawed()
                pod.holding.release()
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(try ending.containers().map(\.name) == ["main", "side"])
            let image = try await RegistryReader.read(pod.direct(pod.sideTarget))
            #expect(image["root/aside"]?.text == "aside\n")
        }
    }

    @Test("freezes and reads again what the registry loses after the thaw: one later instant, whole")
    func lostAfterwards() async throws {
        try await CommitterPod.with(megabytes: 12) { pod in
            // Two counters, before and after much that takes time to read.
            _ = try await pod.exec(
                pod.main,
                "mkdir /t; mv /root/bulk /t/m; (while :; do i=$((i+1)); echo $i >/t/a; echo $i >/t/z; done) >/dev/null 2>&1 &"
            )
            pod.holding.holdOnce("PATCH", containing: "\(pod.name)/blobs/uploads/")
            let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)") { _ in
                await pod.holding.waitUntilHeld()
                try await pod.waitUntilThawed()
                _ = try await pod.exec(pod.main, "echo later >/t/later")
                try pod.dropUploads()
                pod.holding.release()
            }
            #expect(ending.exitStatus == 0, "\(ending.errors)")
            #expect(ending.lines.filter { $0.contains(#""stage":"freezing""#) }.count == 2)
            #expect(!pod.isAnyFrozen)
            let image = try await RegistryReader.read(pod.direct(pod.target))
            #expect(image["t/later"]?.text == "later\n")
            // A counter is empty for a moment while it is written.
            let counters = ["t/a", "t/z"].map { image[$0]?.text.flatMap { Int($0.dropLast()) } }
            if let first = counters[0], let last = counters[1] {
                #expect(first - last == 0 || first - last == 1, "\(counters)")
            }
        }
    }

    @Test("gives up when the registry loses it again and again, and leaves no tag")
    func lostAgainAndAgain() async throws {
        try await CommitterPod.with(megabytes: 12) { pod in
            let part = "\(pod.name)/blobs/uploads/"
            pod.holding.holdOnce("PATCH", containing: part)
            let ending = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)") { _ in
                for attempt in 1...3 {
                    await pod.holding.waitUntilHeld()
                    try await pod.waitUntilThawed()
                    try pod.dropUploads()
                    attempt < 3 ? pod.holding.releaseAndHold("PATCH", containing: part) : pod.holding.release()
                }
            }
            #expect(ending.exitStatus == 1)
            #expect(ending.terminationLog.contains(#""reason":"LayerLost""#), "\(ending.terminationLog)")
            #expect(ending.terminationLog.contains("try again"))
            #expect(ending.lines.filter { $0.contains(#""stage":"freezing""#) }.count == 3)
            #expect(!pod.isAnyFrozen)
            await #expect(throws: Command.Failure.self) { try await pod.inspect(pod.target) }
            let again = try await pod.program.run("commit", pod.name, "team", "main:\(pod.target)")
            #expect(again.exitStatus == 0, "\(again.errors)")
        }
    }
}

extension CommitterPod {
    /// Makes the registry forget the uploads of `main`'s image that have begun.
    fileprivate func dropUploads() throws {
        let uploads = "\(registry.storage)/docker/registry/v2/repositories/team/\(name)/_uploads"
        for upload in try FileManager.default.contentsOfDirectory(atPath: uploads) {
            try FileManager.default.removeItem(atPath: "\(uploads)/\(upload)")
        }
    }
}
