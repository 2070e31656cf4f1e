// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import Server

@Suite struct FrameScannerTests {
    /// A frame with so many bytes of payload.
    static func frame(_ opcode: UInt8, _ count: Int, masked: Bool) -> [UInt8] {
        var bytes = [0x80 | opcode]
        let mask: UInt8 = masked ? 0x80 : 0
        switch count {
        case ..<126: bytes.append(UInt8(count) | mask)
        case ..<65_536: bytes += [126 | mask, UInt8(count >> 8), UInt8(count & 0xFF)]
        default: bytes += [127 | mask] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
        }
        if masked { bytes += [0x88, 0x7E, 0x7F, 0xFF] }
        return bytes + [UInt8](repeating: 0x88, count: count)
    }

    /// However the bytes are cut, the ends of frames are found where they are.
    @Test(arguments: [true, false]) func findsTheEnds(masked: Bool) {
        let sizes = [0, 1, 2, 125, 126, 127, 65_535, 65_536, 70_000, 0]
        let frames = sizes.map { Self.frame(2, $0, masked: masked) }
        let ends = Set(frames.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) })
        let stream = frames.flatMap(\.self)
        for step in [1, 2, 3, 7, 4096, stream.count] {
            var scanner = FrameScanner()
            var position = 0
            while position < stream.count {
                let next = min(position + step, stream.count)
                let taken = scanner.pass(ByteBuffer(bytes: stream[position..<next]))
                #expect(taken == next - position)
                position = next
                #expect(scanner.isBetweenFrames == ends.contains(position), "at \(position) by \(step)")
            }
            #expect(!scanner.hasClosed)
        }
    }

    @Test func stopsAtTheEndOfAFrame() {
        let first = Self.frame(1, 300, masked: true)
        let stream = ByteBuffer(bytes: first + Self.frame(1, 5, masked: true))
        var scanner = FrameScanner()
        let none = scanner.pass(stream, stopsBetweenFrames: true)
        #expect(none == 0)
        scanner.pass(ByteBuffer(bytes: first.prefix(3)))
        let rest = ByteBuffer(bytes: Array(stream.readableBytesView.dropFirst(3)))
        let some = scanner.pass(rest, stopsBetweenFrames: true)
        #expect(some == first.count - 3)
        #expect(scanner.isBetweenFrames)
    }

    @Test func seesTheCloseFrame() {
        for count in [0, 2, 125] {
            var scanner = FrameScanner()
            let bytes = Self.frame(1, 10, masked: false) + Self.frame(8, count, masked: false)
            scanner.pass(ByteBuffer(bytes: bytes.dropLast()))
            #expect(!scanner.hasClosed)
            scanner.pass(ByteBuffer(bytes: bytes.suffix(1)))
            #expect(scanner.hasClosed)
        }
    }

    @Test func closesWithACode() {
        #expect(Array(FrameScanner.close(code: 1001, mask: nil).readableBytesView) == [0x88, 2, 0x03, 0xE9])
        let masked = FrameScanner.close(code: 1001, mask: [1, 2, 3, 4])
        #expect(Array(masked.readableBytesView) == [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xE9 ^ 2])
        var scanner = FrameScanner()
        scanner.pass(masked)
        #expect(scanner.hasClosed && scanner.isBetweenFrames)
    }
}
