// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import LocalRuntime

/// Mounts that last a moment. It needs root.
@Suite("Places from which volumes are mounted")
struct VolumeMountPointTests {
    @Test("What a killed process left mounted is taken away, and nothing of what it shows is removed")
    func remains() throws {
        let top = FileManager.default.temporaryDirectory.appending(path: "stasis-mount-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: "\(top)/mounts", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(top)/data", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: top) }
        try Data("precious".utf8).write(to: URL(filePath: "\(top)/data/file"))

        for (number, source) in ["\(top)/data", "\(top)/data/file"].enumerated() {
            let descriptor = open(source, ConfinedTree.pathOnly | O_CLOEXEC)
            try #require(descriptor >= 0)
            let volume = OpenVolume(owning: descriptor)
            let point = try VolumeMountPoint(volume, at: "\(top)/mounts/box-\(number)")
            // Twice over one another, as a process that was killed and one that came after it would.
            _ = try VolumeMountPoint(volume, at: point.path)
        }
        #expect(FileManager.default.contents(atPath: "\(top)/mounts/box-0/file") == Data("precious".utf8))
        #expect(FileManager.default.contents(atPath: "\(top)/mounts/box-1") == Data("precious".utf8))

        VolumeMountPoint.clearAll(in: "\(top)/mounts")
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(top)/mounts").isEmpty)
        #expect(FileManager.default.contents(atPath: "\(top)/data/file") == Data("precious".utf8))
    }

    @Test("A folder with something in it stays")
    func notEmpty() throws {
        let top = FileManager.default.temporaryDirectory.appending(path: "stasis-mount-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: "\(top)/box-0", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: top) }
        try Data("precious".utf8).write(to: URL(filePath: "\(top)/box-0/file"))
        VolumeMountPoint.clearAll(in: top)
        #expect(FileManager.default.contents(atPath: "\(top)/box-0/file") == Data("precious".utf8))
    }
}
