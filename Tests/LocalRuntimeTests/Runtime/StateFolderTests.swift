// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SandboxModels
import Testing

@testable import LocalRuntime

@Suite
struct StateFolderTests {
    /// Locks a state folder as another process would, until it is closed.
    private func lock(_ path: String) throws -> Int32 {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let descriptor = open("\(path)/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return descriptor
    }

    @Test("a process that is on its way out is waited for, one that stays is told of")
    func anotherProcess() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("state-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try lock(path)
        async let folder = StateFolder.open(path)
        // There is no event for "it was tried in vain".
        try await Task.sleep(for: .milliseconds(200))
        close(first)
        #expect(try await folder.database == "\(path)/sandboxes.sqlite")
        let other = path + "-other"
        defer { try? FileManager.default.removeItem(atPath: other) }
        let second = try lock(other)
        defer { close(second) }
        let error = await #expect(throws: SandboxError.self) { try await StateFolder.open(other) }
        #expect(error?.code == .runtimeUnavailable)
        #expect(error?.description.contains("another process uses the state folder \(other)") == true)
    }
}
