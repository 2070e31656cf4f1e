// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Testing

@testable import Server

/// What the server's log looks like, whoever chose what is in it.
@Suite struct LineLogHandlerTests {
    private static func logged(_ body: (Logger) -> Void) throws -> String {
        let pipe = Pipe()
        let logger = Logger(label: "test") {
            LineLogHandler(label: $0, descriptor: pipe.fileHandleForWriting.fileDescriptor)
        }
        body(logger)
        try pipe.fileHandleForWriting.close()
        return String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }

    @Test func aLineAMessage() throws {
        let text = try Self.logged { logger in
            logger.info("request", metadata: ["status": "200", "path": "/v1/sandboxes"])
            logger.debug("not so important")
        }
        let line = try #require(
            text.wholeMatch(of: /(\S+) info test: path=\/v1\/sandboxes status=200 \[\w+\] request\n/)
        )
        #expect(line.1.hasSuffix("Z"))
    }

    /// Nobody who chooses a value chooses what else the log says.
    @Test(arguments: ["a b", "x\nfake line", "\u{1B}[2J", "say \"so\"", "", "id status=200", "\u{7F}"])
    func valuesStayValues(_ value: String) throws {
        let text = try Self.logged { $0.info("request", metadata: ["path": "\(value)", "status": "404"]) }
        #expect(text.hasSuffix(" request\n"))
        #expect(text.filter { $0 == "\n" }.count == 1)
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 })
        let quoted = try #require(text.firstMatch(of: /path=(".*") status=404/)?.1)
        #expect(try JSONDecoder().decode(String.self, from: Data(quoted.utf8)) == value)
        let message = try Self.logged { $0.info("\(value)|") }
        #expect(message.filter { $0 == "\n" }.count == 1)
    }
}
