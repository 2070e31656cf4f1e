// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Logging
import Synchronization
import Testing

@testable import Controller

@Suite("Log lines as JSON")
struct JSONLogHandlerTests {
    @Test("one object a line, whatever is in it")
    func line() throws {
        let written = Mutex<[UInt8]>([])
        var handler = JSONLogHandler(label: "test") { line in written.withLock { $0 += line } }
        handler.logLevel = .debug
        handler[metadataKey: "pod"] = "a"
        var logger = Logger(label: "test") { _ in handler }
        logger[metadataKey: "more"] = ["x", ["y": "\u{1}\"\n"]]
        logger.warning("two\nlines", metadata: ["pod": "b", "msg": "not this"])
        logger.trace("left out")
        let text = String(decoding: written.withLock { $0 }, as: UTF8.self)
        #expect(text.hasSuffix("}\n"))
        #expect(text.filter { $0 == "\n" }.count == 1)
        let value = try JSONValue(json: text)
        #expect(value["level"] == "warn")
        #expect(value["logger"] == "test")
        #expect(value["msg"] == "two\nlines")
        #expect(value["pod"] == "b")
        #expect(value["more"] == ["x", ["y": "\u{1}\"\n"]])
        #expect(value["ts"]?.string?.hasSuffix("Z") == true)
    }
}
