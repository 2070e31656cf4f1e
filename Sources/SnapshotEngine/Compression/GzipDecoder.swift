// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CZlib

/// gzip (RFC 1952), member after member, by zlib.
final class GzipDecoder: StreamDecoder {
    private let decoder: OpaquePointer
    private(set) var isAtEnd = true

    init() throws {
        guard let decoder = czlib_create_decoder() else {
            throw CompactionObstacle.compression("zlib did not start: there is no memory for it")
        }
        self.decoder = decoder
    }

    deinit { czlib_destroy_decoder(decoder) }

    func decode(_ input: inout UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) throws -> Int {
        var produced = 0
        // Without input there may still be output to come, but only of a member that has begun.
        while produced < output.count, !(input.isEmpty && isAtEnd) {
            let room = UnsafeMutableRawBufferPointer(rebasing: output.dropFirst(produced))
            let size = UInt32(clamping: input.count)
            let part = czlib_decompress(decoder, input.baseAddress, size, room.baseAddress, UInt32(room.count))
            input = UnsafeRawBufferPointer(rebasing: input.dropFirst(Int(part.consumed)))
            produced += Int(part.produced)
            isAtEnd = czlib_is_end(part.code) != 0
            guard isAtEnd || czlib_is_going_on(part.code) != 0 else {
                throw CompactionObstacle.compression("zlib says that it is damaged (code \(part.code))")
            }
            if part.consumed == 0, part.produced == 0 { break }
        }
        return produced
    }
}
