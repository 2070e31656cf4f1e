// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotProvider
import TestSupport
import Testing

@testable import SnapshotEngine

/// The built-in provider has to keep what every provider promises, as its author would find out. Needs root.
@Suite("The built-in provider on trial")
struct RootfsProviderTrialTests {
    @Test("keeps what a provider promises")
    func promises() async throws {
        try await CaptureFixture.with { fixture in
            try await DockerRegistry.run { registry in
                try await Self.withContainers(3, on: fixture.daemon) { containers in
                    // One for each capture: what was sealed is gone.
                    let captured = ["trial-checkpoint", "trial-pause", "trial-abandoned"]
                    let trial = ProviderTrial(fixture.provider) { uid, afterwards in
                        let container = containers[try #require(captured.firstIndex(of: uid))]
                        var request = fixture.request(container, to: "\(registry.authority)/boxes/\(uid):1")
                        request.uid = "\(uid)-\(container.id)"
                        request.afterwards = afterwards
                        return request
                    }
                    let broken = try await trial.run()
                    #expect(broken == [])
                    // The one that ran on, the one that was sealed, and the one that was given up.
                    for container in [containers[0], containers[2]] { #expect(!container.isFrozen) }
                }
            }
        }
    }

    private static func withContainers(
        _ count: Int,
        on daemon: ContainerdDaemon,
        having: [TestContainer] = [],
        _ body: @escaping @Sendable ([TestContainer]) async throws -> Void
    ) async throws {
        guard having.count < count else { return try await body(having) }
        try await TestContainer.with(daemon) { container in
            try await withContainers(count, on: daemon, having: having + [container], body)
        }
    }
}
