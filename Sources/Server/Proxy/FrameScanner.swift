// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Follows the frames of a WebSocket (RFC 6455, 5.2) in one direction without keeping any: where one ends, so that a frame
/// of our own can be put between two of them. Pure.
struct FrameScanner: Equatable {
    /// Bytes of the present frame's head that have been seen: at most 14.
    private var head: [UInt8] = []
    /// Bytes of the present frame that follow its head.
    private var payload: UInt64 = 0
    /// Whether the frame that has begun is a close frame.
    private var isClose = false
    /// Whether this side has closed the WebSocket: nothing may follow.
    private(set) var hasClosed = false

    /// Whether the bytes so far end with a frame.
    var isBetweenFrames: Bool { head.isEmpty && payload == 0 }

    /// Takes bytes that pass.
    ///
    /// - Parameter stopsBetweenFrames: Whether to take no more than the frame that has begun, and nothing between two.
    /// - Returns: How many bytes it has taken.
    @discardableResult
    mutating func pass(_ bytes: ByteBuffer, stopsBetweenFrames: Bool = false) -> Int {
        bytes.withUnsafeReadableBytes { raw in
            var rest = raw[...]
            while let first = rest.first, !(stopsBetweenFrames && isBetweenFrames) {
                if payload > 0 {
                    let count = Int(min(payload, UInt64(rest.count)))
                    payload -= UInt64(count)
                    rest = rest.dropFirst(count)
                    if payload == 0 { endFrame() }
                } else {
                    head.append(first)
                    rest = rest.dropFirst()
                    if head.count == Self.length(head) { endHead() }
                }
            }
            return raw.count - rest.count
        }
    }

    /// How long a frame's head is, as far as it can be told.
    private static func length(_ head: [UInt8]) -> Int {
        guard head.count > 1 else { return 2 }
        let isMasked = head[1] & 0x80 != 0
        let extended = switch head[1] & 0x7F { case 126: 2 case 127: 8 default: 0 }
        return 2 + extended + (isMasked ? 4 : 0)
    }

    private mutating func endHead() {
        isClose = head[0] & 0x0F == 0x8
        payload =
            switch head[1] & 0x7F {
            case 126: UInt64(head[2]) << 8 | UInt64(head[3])
            case 127: head[2..<10].reduce(0) { $0 << 8 | UInt64($1) }
            case let short: UInt64(short)
            }
        head.removeAll(keepingCapacity: true)
        if payload == 0 { endFrame() }
    }

    private mutating func endFrame() {
        if isClose { hasClosed = true }
        isClose = false
    }

    /// A close frame with a code.
    ///
    /// - Parameter mask: What the payload is masked with: always what goes to a server.
    static func close(code: UInt16, mask: [UInt8]?) -> ByteBuffer {
        let payload = [UInt8(code >> 8), UInt8(code & 0xFF)]
        var frame = ByteBuffer(bytes: [0x88, UInt8(payload.count) | (mask == nil ? 0 : 0x80)])
        if let mask {
            frame.writeBytes(mask)
            frame.writeBytes(zip(payload, mask).map { $0 ^ $1 })
        } else {
            frame.writeBytes(payload)
        }
        return frame
    }
}
