// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import TestSupport
import Testing

@testable import LocalRuntime

/// A sandbox that is paused and resumed again and again. It needs root.
@Suite("Many cycles of pause and resume", .serialized)
struct ManyCyclesTests {
    /// What each cycle does: a file more, one changed, one less, a folder made anew, a file of two names.
    private static func change(_ cycle: Int) -> String {
        """
        echo \(cycle) >>/log; echo \(cycle) >/own/\(cycle); rm -f /own/\(cycle - 7); rm -rf /anew; mkdir -p /anew/sub
        echo \(cycle) >/anew/sub/\(cycle); rm -f /names/a; echo \(cycle) >/names/\(cycle); ln /names/\(cycle) /names/a
        chown \(cycle):\(cycle) /own/\(cycle); ln -sf \(cycle) /link
        """
    }

    @Test("keeps every change and a bounded number of layers, and leaves nothing behind")
    func fifty() async throws {
        try await RuntimeFixture.with { fixture in
            try await fixture.run { runtime in
                let id = try await runtime.create(fixture.spec(), credentials: nil, expiresAt: nil).id
                try await fixture.exec(runtime, id, "mkdir /own /names")
                var depths: [Int] = []
                for cycle in 1...50 {
                    try await fixture.exec(runtime, id, Self.change(cycle))
                    // From time to time so much that it is copied while it runs, into a layer of its own.
                    if cycle % 10 == 5 {
                        try await fixture.exec(runtime, id, "dd if=/dev/urandom of=/large bs=1M count=20 2>/dev/null")
                    }
                    let paused = try await runtime.pauseAndWait(id)
                    #expect(paused.status.state == .paused, "cycle \(cycle): \(paused.status)")
                    let part = try #require(paused.artifact?.parts.first)
                    #expect(part.baseDigest == fixture.image.manifestDigest)
                    depths.append(try #require(part.layers))
                    let resumed = try await runtime.resumeAndWait(id)
                    #expect(resumed.status.state == .running, "cycle \(cycle): \(resumed.status)")
                }
                let merges = zip(depths, depths.dropFirst()).filter { $0 > $1 }.count
                #expect(depths.allSatisfy { $0 <= 1 + 16 }, "\(depths)")
                #expect(merges >= 3, "\(depths)")

                let found = try await fixture.exec(
                    runtime,
                    id,
                    "cat /log; cd /own; ls | sort -n | xargs; cat /anew/sub/* /names/a; "
                        + "ls /anew/sub; stat -c '%h %n' /names/50; stat -c %u:%g /own/50; readlink /link; ls /names | wc -l"
                )
                let log = (1...50).map { "\($0)\n" }.joined()
                let own = (44...50).map(String.init).joined(separator: " ")
                #expect(found == log + "\(own)\n50\n50\n50\n2 /names/50\n50:50\n50\n51\n")
                try await runtime.deleteAndExpectGone(id)
            }
            // The runtime's folder has the database, and a layout without blobs.
            let left = try FileManager.default.subpathsOfDirectory(atPath: fixture.configuration.stateFolder)
            #expect(!left.contains { $0.contains("blobs/sha256/") || $0.contains(".claim-") }, "\(left)")
        }
    }
}
