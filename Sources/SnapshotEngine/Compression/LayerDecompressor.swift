// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Unpacks a layer's blob as its bytes come: gzip of any number of members, zstd of any number of frames, or a tar that is
/// not compressed. Which one, its first bytes say, as for containerd; what media types say is not always so.
///
/// What comes out goes through one buffer, so memory is bounded whatever comes in. Belongs to one thread.
final class LayerDecompressor {
    private enum Format {
        case unknown([UInt8])
        case plain
        case compressed(any StreamDecoder)
    }

    private static let outputSize = 256 << 10

    private var format = Format.unknown([])
    private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: outputSize, alignment: 16)

    deinit { output.deallocate() }

    /// Unpacks the next bytes.
    ///
    /// - Parameter consume: Gets what comes out, valid during the call.
    /// - Throws: `CompactionObstacle.compression`, what `consume` throws.
    func decompress(
        _ input: UnsafeRawBufferPointer,
        _ consume: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        switch format {
        case .plain: try consume(input)
        case .compressed(let decoder): try run(decoder, input, consume)
        case .unknown(let first):
            let bytes = first + input
            guard bytes.count >= 4 else {
                format = .unknown(bytes)
                return
            }
            format = try Self.format(of: bytes)
            try bytes.withUnsafeBytes { try decompress($0, consume) }
        }
    }

    /// Makes sure that nothing is missing at the end.
    func finish() throws(CompactionObstacle) {
        switch format {
        case .plain: return
        case .compressed(let decoder) where decoder.isAtEnd: return
        default: throw .compression("it ends too early")
        }
    }

    private func run(
        _ decoder: any StreamDecoder,
        _ input: UnsafeRawBufferPointer,
        _ consume: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var rest = input
        while true {
            let produced = try decoder.decode(&rest, to: output)
            if produced > 0 { try consume(UnsafeRawBufferPointer(rebasing: output.prefix(produced))) }
            // A full buffer may mean that there is more.
            if rest.isEmpty, produced < output.count { return }
        }
    }

    private static func format(of bytes: [UInt8]) throws -> Format {
        let magic = bytes.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        if magic & 0xffff == 0x8b1f { return .compressed(try GzipDecoder()) }
        // A frame, or one to be skipped (RFC 8878, 3.1).
        if magic == 0xfd2f_b528 || magic & 0xffff_fff0 == 0x184d_2a50 { return .compressed(try ZstdDecoder()) }
        return .plain
    }
}

/// The state of one library's decoder. Belongs to one thread.
protocol StreamDecoder: AnyObject {
    /// Whether a member or frame is complete and no other has begun.
    var isAtEnd: Bool { get }

    /// Takes some input and gives some output.
    ///
    /// - Returns: The bytes of output. With less than a full buffer, all input was taken.
    /// - Throws: `CompactionObstacle.compression` if the input is damaged.
    func decode(_ input: inout UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer) throws -> Int
}
