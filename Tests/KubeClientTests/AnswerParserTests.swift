// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import TestSupport
import Testing

@testable import KubeClient

/// How the bytes of answers are read.
struct AnswerParserTests {
    /// What was read of an answer.
    private struct Answer: Equatable {
        var code: Int
        var body = ""
        var isReusable: Bool?
    }

    /// Reads bytes that come in parts, up to the end of the connection if there is no other.
    private func read(_ parts: [String], endsThere: Bool = true) throws -> [Answer] {
        var parser = AnswerParser()
        var answers: [Answer] = []
        func take(_ part: AnswerParser.Part) {
            switch part {
            case .head(let head): answers.append(Answer(code: head.code))
            case .body(let bytes): answers[answers.count - 1].body += String(buffer: bytes)
            case .end(let isReusable): answers[answers.count - 1].isReusable = isReusable
            }
        }
        for part in parts {
            parser.append(ByteBuffer(string: part))
            while let part = try parser.next() { take(part) }
        }
        if endsThere, let part = parser.finish() { take(part) }
        return answers
    }

    private static let good: [(String, String, Bool)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", true),
        ("HTTP/1.1 200 OK\r\ncontent-length:5 \r\n\r\nhello", "hello", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\na", "a", true),
        ("HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "a", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", "hello", true),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n00A\r\n0123456789\r\n0\r\nX: y\r\n\r\n", "0123456789",
            true
        ),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\na", "a", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", "a", true),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", false),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            "a", true
        ),
    ]

    /// However the bytes are cut, the answer is the same.
    @Test(arguments: good)
    func readsAnswersHoweverTheyAreCut(_ bytes: String, _ body: String, _ isReusable: Bool) throws {
        let expected = [Answer(code: 200, body: body, isReusable: isReusable)]
        #expect(try read([bytes]) == expected)
        #expect(try read(bytes.utf8.map { String(decoding: [$0], as: UTF8.self) }) == expected)
        let all = Array(bytes.utf8)
        for cut in 1..<all.count {
            let parts = [all[..<cut], all[cut...]].map { String(decoding: $0, as: UTF8.self) }
            #expect(try read(parts) == expected, "cut at \(cut)")
        }
    }

    @Test func readsOneAnswerAfterTheOther() throws {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let chosen = (0..<4).compactMap { _ in Self.good.filter { $0.2 }.randomElement(using: &generator) }
            var rest = Array(chosen.map(\.0).joined().utf8)[...]
            var parts: [String] = []
            while !rest.isEmpty {
                let part = rest.prefix(Int.random(in: 1...60, using: &generator))
                parts.append(String(decoding: part, as: UTF8.self))
                rest = rest.dropFirst(part.count)
            }
            let answers = try read(parts)
            #expect(answers.map(\.body) == chosen.map(\.1))
            #expect(answers.last?.isReusable == true)
        }
    }

    /// What comes after an answer without having been asked for.
    @Test func doesNotTakeWhatNobodyAskedForIntoTheNextAnswer() throws {
        let answers = try read(["HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\n"], endsThere: false)
        #expect(answers == [Answer(code: 204, isReusable: false)])
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ])
    func noticesThatItWasCutOff(_ bytes: String) throws {
        #expect(try read([bytes]).allSatisfy { $0.isReusable == nil })
    }

    @Test(arguments: [
        "not HTTP", "\u{16}\u{3}\u{1}", "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/1.1 99 OK\r\n\r\n", "HTTP/1.1 020 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n", "HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nA: \u{0}\r\n\r\n", "HTTP/1.1 200 OK\r\nA: a\rb\r\n\r\n",
    ])
    func refusesWhatIsNone(_ bytes: String) {
        #expect(throws: AnswerParser.Malformed.self) { try read([bytes]) }
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "1 000\r\n0", "FFFFFFFFFFFFFFFF\r\n", "1\nab", "1\r\nab\r\n",
        "1\r\na\n0\r\n\r\n",
        String(repeating: "0", count: 2000),
    ])
    func refusesPartsThatAreNone(_ parts: String) {
        #expect(throws: AnswerParser.Malformed.self) {
            try read(["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(parts)"])
        }
    }

    @Test func boundsHeadsAndTrailers() {
        let line = "X: \(String(repeating: "x", count: 1000))\r\n"
        let long = String(repeating: "x", count: 70_000)
        for parts in [
            ["HTTP/1.1 200 OK\r\n"] + Array(repeating: line, count: 70), ["HTTP/1.1 200 OK\r\nX: ", long],
            ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"] + Array(repeating: line, count: 70),
        ] {
            #expect(throws: AnswerParser.Malformed.self) { try read(parts) }
        }
    }

    @Test func findsFieldsInAnyCase() throws {
        let fields = ByteBuffer(
            string: "Warning: 299 - \"a\"\r\nX-Warning: no\r\nwarning:299 b  \r\nRetry-After:\t7\r\nEmpty:\r\n"
        )
        let head = AnswerHead(code: 200, fields: fields)
        #expect(head.values("Warning") == ["299 - \"a\"", "299 b"])
        #expect(head.values("Warning", atMost: 1).count == 1)
        #expect(head.first("retry-after") == "7" && head.first("Empty") == "" && head.first("Warn") == nil)
    }
}
