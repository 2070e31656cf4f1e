// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import KubeClient

struct LineSplitterTests {
    /// However the bytes are cut, the lines are the same.
    @Test func cutsLines() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let count = Int.random(in: 0...20, using: &generator)
            let lines = (0..<count).map { _ in String(repeating: "é", count: Int.random(in: 0...30, using: &generator))
            }
            var bytes = ByteBuffer(string: lines.map { $0 + "\n" }.joined() + "rest")
            var splitter = LineSplitter(limit: 100)
            var found: [String] = []
            while bytes.readableBytes > 0 {
                let part = Swift.min(bytes.readableBytes, Int.random(in: 1...40, using: &generator))
                if let slice = bytes.readSlice(length: part) { splitter.append(slice) }
                while let line = try splitter.next() { found.append(String(buffer: line)) }
            }
            #expect(found == lines)
            #expect(splitter.rest().map { String(buffer: $0) } == "rest")
            #expect(splitter.rest() == nil)
        }
    }

    @Test func boundsLines() throws {
        var splitter = LineSplitter(limit: 3)
        splitter.append(ByteBuffer(string: "abc\r\n"))
        #expect(throws: LineSplitter.LineTooLong.self) { try splitter.next() }
        splitter = LineSplitter(limit: 3)
        splitter.append(ByteBuffer(string: "ab\r\nabcd"))
        #expect(try splitter.next().map { String(buffer: $0) } == "ab")
        #expect(throws: LineSplitter.LineTooLong.self) { try splitter.next() }
    }
}
