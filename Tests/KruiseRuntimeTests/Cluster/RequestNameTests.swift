// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import KruiseRuntime

/// The name of a request, in what comes of it.
@Suite("A request about a sandbox of the Kruise dialect")
struct RequestNameTests {
    private func named<Result>(_ name: String, _ body: () async throws -> Result) async rethrows -> Result {
        try await RequestID.$current.withValue(RequestID(name)) { try await body() }
    }

    @Test func isNamedInWhatItWrites() async throws {
        try await KruiseCluster.run { cluster in
            try await cluster.createTemplate("plain")
            let id = try await named("create-1") { try await cluster.create("plain").id }
            let created = try await cluster.object(id)
            #expect(RequestedWish(in: created.metadata)?.request == "create-1")
            #expect(created.pauseIntent(after: nil).request == "create-1")

            let taken = try await named("snapshot-2") {
                try await cluster.server.createSnapshot(of: id, name: nil)
            }
            let checkpoint = try #require(try await cluster.server.checkpoint(taken.id))
            #expect(checkpoint.metadata.annotations[OpenSandbox.Annotation.requestID] == "snapshot-2")
            _ = try await cluster.server.settledSnapshot(taken.id, within: .seconds(60))

            try await named("pause-3") { try await cluster.server.pause(id, keptFor: nil) }
            _ = try await cluster.sandbox(id, in: .paused)
            let paused = try await cluster.object(id)
            let wish = try #require(RequestedWish(in: paused.metadata))
            #expect(wish.request == "pause-3" && wish.pause)

            // What is only edited says nothing of a wish.
            try await named("resume-4") {
                _ = try await cluster.server.connect(id, until: Date(timeIntervalSinceNow: 600))
            }
            _ = try await cluster.sandbox(id, in: .running)
            try await named("timeout-5") {
                try await cluster.server.setTimeout(id, to: Date(timeIntervalSinceNow: 900), onlyIfLater: false)
            }
            #expect(RequestedWish(in: try await cluster.object(id).metadata)?.request == "resume-4")
        }
    }
}
