// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import Provenance
import TestSupport

extension SnapshotStatement.Predicate {
    /// What could be said of a snapshot.
    static let example = SnapshotStatement.Predicate(
        snapshot: "4f0c-2",
        source: SnapshotStatement.Source(
            sandbox: "box",
            container: "main",
            namespace: "boxes",
            pod: "box-0",
            podUID: "6a1b",
            node: "node-a"
        ),
        parentDigest: "sha256:\(String(repeating: "a", count: 64))",
        baseDigest: "sha256:\(String(repeating: "b", count: 64))",
        configDigest: "sha256:\(String(repeating: "c", count: 64))",
        capturedLayers: ["sha256:\(String(repeating: "d", count: 64))"],
        excludedPaths: ["/var/run/secrets"],
        createdAt: "2026-11-30T12:00:00.000Z",
        committer: SnapshotStatement.Committer(name: "stasis", version: "0.1.0")
    )
}

/// A folder of a test's own.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(component: "stasis-provenance-\(UUID().uuidString)")
        .path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}
