// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Runs `body` with an empty folder that everybody may look into, and deletes it afterwards.
func withTemporaryFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let name = "stasis-images-\(UInt64.random(in: 0 ... .max))"
    let folder = FileManager.default.temporaryDirectory.appending(path: name).path
    try FileManager.default.createDirectory(
        atPath: folder,
        withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o755]
    )
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}
