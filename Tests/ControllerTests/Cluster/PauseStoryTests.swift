// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// What somebody learns of a pause who has nothing but kubectl.
@Suite("kubectl tells")
struct PauseStoryTests {
    @Test(
        "of a pause and a resume all that happens, in its order, and of each thing where it is",
        .timeLimit(.minutes(10))
    )
    func story() async throws {
        try await SandboxCluster.run { cluster, proxy in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            try await cluster.shell("echo kept > /marker", in: "box-0")
            proxy.holdOnce("PUT", containing: "/manifests/snap-")
            try await cluster.setPause(true, of: "box")
            await proxy.waitUntilHeld()
            // While it is captured: how far that is.
            let progress = try await cluster.wait(for: "box") { $0.status?.progress?.stage == "Committing" }.status?
                .progress
            let summary = try #require(progress?.summary)
            let stage = summary.split(separator: " ").map(String.init)
            try await cluster.expectRow(of: "bsbx", "box", containing: ["Pausing", cluster.image] + stage)
            try await cluster.expectRow(of: "sbxsnap", "box-pause", containing: ["box"], followedBy: stage)
            proxy.release()

            let paused = try await cluster.waitForPause(of: "box")
            let artifact = try #require(paused.status?.artifact)
            try await cluster.expectRow(of: "bsbx", "box", containing: ["Paused", "1", cluster.image])
            try await cluster.expectRow(of: "sbxsnap", "box-pause", containing: ["Succeed", "box", artifact.imageUri])
            let wide = try await cluster.kubectl("get", "bsbx,sbxsnap", "--output=wide")
            #expect(wide.ranges(of: artifact.imageUri).count == 2, "\(wide)")
            #expect(wide.contains(artifact.imageDigest))

            try await cluster.setPause(false, of: "box")
            try await cluster.expectRow(of: "bsbx", "box", containing: ["Succeed"])
            // It ran before.
            try await cluster.awaitEvent("Running", about: "box", count: 2)
            let events = try await cluster.events(describedOf: "box")
            let order = ["Pausing", "Committing", "Verified", "Paused", "Resuming"]
            #expect(events.map(\.reason).filter(order.contains) == order, "\(events)")
            let image = "\(artifact.imageUri)@\(artifact.imageDigest)"
            for reason in ["Verified", "Paused", "Resuming"] {
                #expect(events.contains { $0.reason == reason && $0.line.contains(image) }, "\(reason): \(events)")
            }
            #expect(events.contains { $0.reason == "Committing" && $0.line.contains(artifact.imageUri) })
            #expect(events.contains { $0.reason == "Paused" && $0.line.contains("released") })
            #expect(events.allSatisfy { $0.line.hasPrefix("Normal") })
        }
    }

    @Test("of a pause that did not come about, why, and that the sandbox runs on", .timeLimit(.minutes(10)))
    func failure() async throws {
        try await SandboxCluster.run(capturing: { _ in }) { cluster in
            try await cluster.create("box")
            try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
            // A file that would delete another one when it is unpacked: the committer refuses it.
            try await cluster.shell("touch /root/.wh.mine", in: "box-0")
            try await cluster.setPause(true, of: "box")
            let failed = try await cluster.waitForPause(of: "box")
            let failure = try #require(failed.status?.conditions["PauseFailed"])
            let reason = try #require(failure.reason)
            _ = try await cluster.event("PauseFailed", about: "box")
            let events = try await cluster.events(describedOf: "box")
            let order = ["Pausing", "Committing", "PauseFailed"]
            #expect(events.map(\.reason).filter(order.contains) == order, "\(events)")
            let told = try #require(events.first { $0.reason == "PauseFailed" }?.line)
            #expect(told.hasPrefix("Warning") && told.contains(reason) && told.contains(".wh.mine"), "\(told)")
            let described = try await cluster.kubectl("describe", "bsbx", "box")
            #expect(described.contains("PauseFailed") && described.contains(failure.message ?? "no message"))
            try await cluster.expectRow(of: "bsbx", "box", containing: ["Succeed"])
            try await cluster.expectRow(of: "sbxsnap", "box-pause", containing: ["Failed"])
            let snapshot = try await cluster.kubectl("describe", "sbxsnap", "box-pause")
            #expect(snapshot.contains(reason), "\(snapshot)")
        }
    }
}

/// A line about an Event.
private struct DescribedEvent: CustomStringConvertible {
    let reason: String
    let line: String

    var description: String { line }
}

extension SandboxCluster {
    /// Waits until `kubectl get` prints an object with these words, and its age.
    ///
    /// - Parameter rest: The words that come after the last of these.
    fileprivate func expectRow(
        of kind: String,
        _ name: String,
        containing words: [String],
        followedBy rest: [String] = []
    ) async throws {
        _ = try await testbed.firstLine(
            of: ["--namespace", namespace, "get", kind, name, "--watch", "--no-headers", "--request-timeout=120s"],
            where: { line in
                let found = line.split(separator: " ").map(String.init)
                guard let age = found.last, age.first?.isNumber == true else { return false }
                guard words.allSatisfy(found.contains), let last = words.last, let place = found.firstIndex(of: last)
                else {
                    return false
                }
                return found[(place + 1)...].starts(with: rest)
            }
        )
    }

    /// Waits until an Event about a sandbox has been told so often.
    fileprivate func awaitEvent(_ reason: String, about name: String, count: Int) async throws {
        _ = try await testbed.firstLine(
            of: [
                "--namespace", namespace, "get", "events", "--watch", "--request-timeout=120s",
                "--field-selector=involvedObject.name=\(name),reason=\(reason)", "--output=jsonpath={.count}{'\\n'}",
            ],
            where: { Int($0) ?? 0 >= count }
        )
    }

    /// What `kubectl describe` says of the Events of a sandbox, in its order.
    fileprivate func events(describedOf name: String) async throws -> [DescribedEvent] {
        let lines = try await kubectl("describe", "bsbx", name).split(separator: "\n")
        guard let start = lines.firstIndex(where: { $0.hasPrefix("Events:") }) else { return [] }
        return lines[start...].dropFirst().compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 3, ["Normal", "Warning"].contains(words[0]) else { return nil }
            return DescribedEvent(reason: String(words[1]), line: words.joined(separator: " "))
        }
    }
}
