// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOWebSocket
import TestSupport
import Testing

@testable import WebSockets

struct MessageAssemblerTests {
    private func frame(_ opcode: WebSocketOpcode, _ text: String = "", fin: Bool = true, masked: Bool = false)
        -> WebSocketFrame
    {
        WebSocketFrame(fin: fin, opcode: opcode, maskKey: masked ? [1, 2, 3, 4] : nil, data: ByteBuffer(string: text))
    }

    @Test func putsFragmentsTogether() throws {
        var assembler = MessageAssembler(expectsMask: false, limit: 100)
        let text = Array("é😀".utf8)
        guard case .none = try assembler.add(.init(fin: false, opcode: .text, data: ByteBuffer(bytes: text[..<1]))),
            case .ping = try assembler.add(frame(.ping, "x")),
            case .none = try assembler.add(
                .init(fin: false, opcode: .continuation, data: ByteBuffer(bytes: text[1..<4]))
            ),
            case .message(.text("é😀")) = try assembler.add(
                .init(fin: true, opcode: .continuation, data: ByteBuffer(bytes: text[4...]))
            ),
            case .message(.binary) = try assembler.add(frame(.binary, "")),
            case .close(let closure) = try assembler.add(
                .init(fin: true, opcode: .connectionClose, data: ByteBuffer(bytes: [3, 0xE8] + "bye".utf8))
            )
        else {
            Issue.record("another event")
            return
        }
        #expect(closure == WebSocketClosure(code: 1000, reason: "bye"))
    }

    @Test(
        arguments: [
            (["Content-Length": "3"], ["ab", "cd"], "abc", true), (["Content-Length": "9"], ["ab"], "ab", false),
            (["Content-Length": "-5"], ["ab"], "", true), (["Content-Length": "x"], ["ab"], "ab", false),
            (["Transfer-Encoding": "chunked"], ["3\r", "\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"], "abcde", true),
            (["Transfer-Encoding": "chunked"], ["5\r\nab"], "ab", false),
            (["Transfer-Encoding": "chunked"], ["zz\r\n"], "", true),
            (["Transfer-Encoding": "chunked"], ["-3\r\nabc"], "", true), ([:], ["ab"], "ab", false),
            (["Transfer-Encoding": "chunked"], ["7fffffffffffffff\r\nabc"], "abc", false),
        ] as [(HTTPHeaders, [String], String, Bool)]
    )
    func readsWhatARefusalSays(_ headers: HTTPHeaders, _ parts: [String], _ text: String, _ isComplete: Bool) {
        var body = RefusalBody(headers)
        for part in parts { body.add(ByteBuffer(string: part)) }
        #expect(String(decoding: body.bytes, as: UTF8.self) == text && body.isComplete == isComplete)
    }

    @Test func refusesWhatBreaksTheProtocol() {
        let sequences: [[WebSocketFrame]] = [
            [frame(.continuation, "x")], [frame(.text, "x", fin: false), frame(.text, "y")],
            [frame(.text, "x", masked: true)],
            [.init(fin: true, opcode: .text, data: ByteBuffer(bytes: [0xFF]))],
            [frame(.init(encodedWebSocketOpcode: 5) ?? .text)],
            [frame(.connectionClose, "x")],
            [.init(fin: true, opcode: .connectionClose, data: ByteBuffer(bytes: [0, 1]))],
            [.init(fin: true, opcode: .connectionClose, data: ByteBuffer(bytes: [3, 0xE8, 0xFF]))],
            [.init(fin: true, rsv1: true, opcode: .text, data: ByteBuffer())],
            [
                frame(.binary, String(repeating: "x", count: 60), fin: false),
                frame(.continuation, String(repeating: "x", count: 60)),
            ],
        ]
        for (number, frames) in sequences.enumerated() {
            var assembler = MessageAssembler(expectsMask: false, limit: 100)
            var failed = false
            for frame in frames where !failed {
                do { _ = try assembler.add(frame) } catch { failed = true }
            }
            #expect(failed, "sequence \(number)")
        }
        var server = MessageAssembler(expectsMask: true, limit: 100)
        #expect(throws: WebSocketError.self) { try server.add(frame(.text, "x")) }
    }
}
