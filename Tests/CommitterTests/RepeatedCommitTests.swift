// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import Committer

/// A Job's pod may be started a second time after the first one has done all and told nobody.
@Suite("A commit that is repeated")
struct RepeatedCommitTests {
    /// Commits and expects success.
    private func commit(
        _ pod: CommitterPod,
        _ containers: [String] = ["main"],
        uid: String?,
        environment: [String: String] = [:]
    ) async throws -> CommitterProgram.Ending {
        var program = pod.program
        program.environment = environment
        let targets = containers.map { $0 == "main" ? "main:\(pod.target)" : "side:\(pod.sideTarget)" }
        let ending = try await program.run(
            ["commit", pod.name, "team"] + targets + (uid.map { ["--snapshot-uid", $0] } ?? [])
        )
        #expect(ending.exitStatus == 0, "\(ending.errors)")
        return ending
    }

    @Test("reports the first result and freezes nothing, if the snapshot has a name")
    func recognised() async throws {
        try await CommitterPod.with { pod in
            let first = try await commit(pod, uid: "snap-1")
            _ = try await pod.exec(pod.main, "echo changed >/root/data")
            for environment in [[:], ["STASIS_SNAPSHOT_UID": "snap-1"]] {
                let uid = environment.isEmpty ? "snap-1" : nil
                let second = try await commit(pod, uid: uid, environment: environment)
                let (one, two) = (try first.containers()[0], try second.containers()[0])
                #expect(two.digest == one.digest && two.size == one.size && two.layers == one.layers)
                #expect(two.base == one.base && two.image == one.image)
                #expect(two.frozenMilliseconds == nil)
                #expect(!second.hasFrozen && second.lines.last == "SNAPSHOT_DIGEST=\(one.digest)")
            }
            // Without a name, or under another one, it is another snapshot.
            var digests: Set<String> = [try first.containers()[0].digest]
            for uid in [nil, "snap-2", nil] {
                let other = try await commit(pod, uid: uid)
                #expect(other.hasFrozen)
                #expect(digests.insert(try other.containers()[0].digest).inserted)
            }
            #expect(try await pod.freezes().isEmpty)
        }
    }

    @Test("reports the first result although the pod has gone since, if its UID is known")
    func podGone() async throws {
        try await CommitterPod.with { pod in
            let first = try await commit(pod, uid: "snap-1")
            let arguments = ["commit", "\(pod.name)-gone", "team", "main:\(pod.target)", "--snapshot-uid", "snap-1"]
            var program = pod.program
            #expect(try await program.run(arguments).exitStatus == 2)
            program.environment = ["STASIS_POD_UID": "another"]
            #expect(try await program.run(arguments).exitStatus == 2)
            program.environment = ["STASIS_POD_UID": pod.uid]
            let second = try await program.run(arguments)
            #expect(second.exitStatus == 0, "\(second.errors)")
            #expect(try second.containers()[0].digest == first.containers()[0].digest)
        }
    }

    @Test("captures anew what the registry has lost a blob of")
    func incomplete() async throws {
        try await CommitterPod.with { pod in
            let first = try await commit(pod, uid: "snap-1")
            let layer = try #require(try await pod.inspect(pod.target).Layers.last)
            let hex = String(layer.dropFirst("sha256:".count))
            try FileManager.default.removeItem(atPath: pod.registry.blobFile(sha256: hex))
            let second = try await commit(pod, uid: "snap-1")
            #expect(second.hasFrozen)
            #expect(try second.containers()[0].digest != first.containers()[0].digest)
            _ = try await RegistryReader.read(pod.direct(pod.target))
        }
    }

    @Test("captures all containers anew unless all of them are of one earlier commit")
    func several() async throws {
        try await CommitterPod.with { pod in
            let one = try await commit(pod, ["main"], uid: "snap-1")
            let both = try await commit(pod, ["main", "side"], uid: "snap-1")
            #expect(both.hasFrozen)
            let digests = try both.containers().map(\.digest)
            #expect(digests[0] != (try one.containers()[0].digest))
            let again = try await commit(pod, ["main", "side"], uid: "snap-1")
            #expect(!again.hasFrozen)
            #expect(try again.containers().map(\.digest) == digests)

            // One of them from another instant: what a commit leaves that was killed between its two tags.
            try await Command.run("skopeo", ["delete", "--tls-verify=false", "docker://\(pod.direct(pod.sideTarget))"])
            _ = try await commit(pod, ["side"], uid: "snap-1")
            let mixed = try await commit(pod, ["main", "side"], uid: "snap-1")
            #expect(mixed.hasFrozen)
            #expect(try mixed.containers()[0].digest != digests[0])
        }
    }

    @Test("while the first one runs ends in one whole image, and nothing stays frozen")
    func atOnce() async throws {
        try await CommitterPod.with(megabytes: 20) { pod in
            for number in 1...4 {
                let target = "main:\(pod.holding.authority)/team/\(pod.name):\(number)"
                let arguments = ["commit", pod.name, "team", target, "--snapshot-uid", "\(pod.name)-\(number)"]
                async let one = pod.program.run(arguments)
                async let two = pod.program.run(arguments)
                let endings = try await [one, two]
                #expect(endings.contains { $0.exitStatus == 0 }, "\(endings.map(\.terminationLog))")
                #expect(!pod.isAnyFrozen)
                #expect(try await pod.freezes().isEmpty)
                let third = try await pod.program.run(arguments)
                #expect(third.exitStatus == 0 && !third.hasFrozen, "\(third.errors)")
                let image = try await RegistryReader.read("\(pod.registry.authority)/team/\(pod.name):\(number)")
                #expect(image["root/bulk"]?.size == 20 << 20)
            }
        }
    }

    @Test("refuses a name that is none", arguments: ["", "a b", "a/b", String(repeating: "a", count: 61), "é"])
    func badName(uid: String) async throws {
        let daemon = try await ContainerdDaemon.shared()
        let ending = try await CommitterProgram(daemon: daemon)
            .run(["commit", "pod", "team", "main:x/y:1", "--snapshot-uid", uid])
        #expect(ending.exitStatus == 64, "\(ending.errors)")
        #expect(ending.terminationLog.contains("cannot name a snapshot"))
    }
}

extension CommitterProgram.Ending {
    /// Whether it said that it freezes.
    fileprivate var hasFrozen: Bool { lines.contains { $0.contains(#""stage":"freezing""#) } }
}
