// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotProvider
import TestSupport
import Testing

@testable import SnapshotEngine

/// Containers whose difference to their image cannot be read: that is told before anything is frozen. It needs root.
@Suite("A container that cannot be captured")
struct UnsuitableContainerTests {
    /// Expects that both a check and a capture say why.
    private func expectRefusal(
        _ fixture: CaptureFixture,
        of container: TestContainer,
        saying words: [String]
    ) async throws {
        let request = fixture.request(container, to: "oci:\(fixture.folder)/store:snap")
        let failure = try await fixture.failure(request, of: container)
        #expect(failure.reason == "UnsupportedFilesystem")
        #expect(!failure.isRetryable)
        for word in words { #expect(failure.message.contains(word), "\(failure.message)") }
        let checked = try await fixture.capture.preflight(request.source.containers[0])
        let finding = try #require(checked.first { $0.check == .filesystem })
        guard case .failed(let error) = finding.outcome else {
            Issue.record("\(finding)")
            return
        }
        for word in words { #expect("\(error)".contains(word)) }
        #expect(try await fixture.freezes(of: request).isEmpty)
    }

    @Test("of another snapshotter is refused, and told which one to use")
    func nativeSnapshotter() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon, snapshotter: "native") { container in
                try await expectRefusal(fixture, of: container, saying: ["native", "overlayfs"])
            }
        }
    }

    @Test("in a user namespace is refused")
    func userNamespace() async throws {
        try await CaptureFixture.with { fixture in
            let maps = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"]
            try await TestContainer.with(fixture.daemon, options: maps) { container in
                try await expectRefusal(fixture, of: container, saying: ["user namespace"])
            }
        }
    }

    @Test("whose root was covered by another mount is refused, whoever did it")
    func coveredRoot() async throws {
        try await CaptureFixture.with { fixture in
            try await TestContainer.with(fixture.daemon, options: ["--privileged"]) { container in
                try await fixture.exec(container, "mount -t tmpfs none /")
                try await expectRefusal(fixture, of: container, saying: ["tmpfs"])
            }
        }
    }
}
