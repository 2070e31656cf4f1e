// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import Testing

@testable import SnapshotEngine

@Suite
struct BlocksInFlightTests {
    private struct Refused: Error {}

    @Test("whatever finishes first, pieces come in order and the hash is that of all", arguments: 0..<20)
    func anyOrder(seed: UInt64) throws {
        var random = SeededNumbers(state: seed)
        var blocks = BlocksInFlight()
        var running: [BlocksInFlight.Job] = []
        var pieces: [String] = []
        var appended = 0
        while !blocks.isOver {
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where appended < 20:
                blocks.append(ByteBuffer(string: "\(appended),"))
                appended += 1
            case 0:
                blocks.isComplete = true
            case 1:
                if let job = blocks.takeJob() { running.append(job) }
            case 2 where !running.isEmpty:
                switch running.remove(at: Int.random(in: 0..<running.count, using: &random)) {
                case .hash(var hash, let block):
                    hash.update(data: Array(block.readableBytesView))
                    blocks.finishHashing(hash)
                case .compress(let index, let block):
                    blocks.finishCompressing(index, ByteBuffer(string: "\(index):\(String(buffer: block))"))
                }
            default:
                if let piece = blocks.takePiece() { pieces.append(String(buffer: piece)) }
            }
            #expect(running.count { if case .hash = $0 { true } else { false } } <= 1)
        }
        let all = (0..<20).map { "\($0)," }
        #expect(pieces == all.enumerated().map { "\($0):\($1)" })
        #expect(blocks.diffID.finalize() == SHA256.hash(data: Array(all.joined().utf8)))
        #expect(blocks.hasNoMoreWork)
        #expect(blocks.spare.count == 20)
    }

    @Test("after a failure there is nothing to do")
    func failure() {
        var blocks = BlocksInFlight()
        blocks.append(ByteBuffer(string: "a"))
        #expect(!blocks.isOver)
        blocks.failure = Refused()
        if let job = blocks.takeJob() { Issue.record("\(job)") }
        #expect(blocks.isOver && blocks.hasNoMoreWork)
    }
}
