// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import LocalRuntime

@Suite("The room that logs take")
struct LogBoundTests {
    @Test("The beginning of a large log goes, its end stays, and whoever appends goes on")
    func shortened() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "stasis-log-\(UUID().uuidString)").path
        defer { unlink(path) }
        let file = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        let line = Array((String(repeating: "x", count: 1023) + "\n").utf8)
        func append(_ lines: Int) {
            for _ in 0..<lines { #expect(write(file, line, line.count) == line.count) }
        }
        func room() throws -> Int {
            try #require(Inode(at: path)).room
        }
        append(1024)
        // Within the bounds nothing happens.
        #expect(LogBound.shorten(path, above: 2 << 20, to: 1 << 19) == 0)
        #expect(try room() >= 1 << 20)
        for _ in 0..<5 {
            append(2048)
            #expect(LogBound.shorten(path, above: 2 << 20, to: 1 << 19) == 0)
            #expect(try room() <= 2 << 20)
        }
        let last = "the end\n"
        #expect(write(file, last, last.utf8.count) == last.utf8.count)
        let bytes = try #require(FileManager.default.contents(atPath: path))
        #expect(bytes.count == (1024 + 5 * 2048) * 1024 + last.utf8.count)
        #expect(String(decoding: bytes.suffix(1024 + last.utf8.count), as: UTF8.self).hasSuffix("x\n\(last)"))
        #expect(!bytes.suffix(1 << 18).contains(0))
    }

    @Test("A log that is not there is no failure, and a link is not followed")
    func notThere() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "stasis-log-\(UUID().uuidString)").path
        #expect(LogBound.shorten(path) == 0)
        symlink("/etc/passwd", path)
        defer { unlink(path) }
        #expect(LogBound.shorten(path, above: 0, to: 0) == ELOOP)
    }
}
