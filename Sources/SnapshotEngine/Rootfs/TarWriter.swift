// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Writes a tar archive into blocks.
///
/// The header says how many bytes of content follow; so many follow, whatever the file does meanwhile.
struct TarWriter: ~Copyable {
    private var blocks: BlockBuffer

    init(blocks: consuming BlockBuffer) { self.blocks = blocks }

    /// Bytes of the archive so far.
    var size: Int64 { blocks.total }

    /// Writes an entry without content.
    mutating func append(_ header: TarHeader) throws {
        try append(bytes: header.encoded())
    }

    /// Writes a file's entry with content from memory.
    mutating func append(_ header: TarHeader, content: [UInt8]) throws {
        var header = header
        header.size = Int64(content.count)
        try append(bytes: header.encoded())
        try append(bytes: content)
        try blocks.appendZeros(Int64(TarHeader.padding(after: header.size)))
    }

    /// Writes a file's entry with what an open file holds up to `header.size`. Holes are not read.
    ///
    /// - Parameter progress: Told of every read.
    /// - Returns: Whether the file had all these bytes; if not, zeros stand for the rest.
    mutating func append(
        _ header: TarHeader,
        contentsOf file: Int32,
        isSparse: Bool,
        progress: LayerProgress
    ) throws -> Bool {
        try append(bytes: header.encoded())
        let isComplete = try copy(header, from: file, isSparse: isSparse, progress: progress)
        try blocks.appendZeros(Int64(TarHeader.padding(after: header.size)))
        return isComplete
    }

    /// Ends the archive: two blocks of zeros.
    mutating func finish() throws {
        try blocks.appendZeros(1024)
        try blocks.flush()
    }

    private mutating func copy(
        _ header: TarHeader,
        from file: Int32,
        isSparse: Bool,
        progress: LayerProgress
    ) throws -> Bool {
        var offset: Int64 = 0
        var seeks = isSparse
        while offset < header.size {
            var end = header.size
            if seeks {
                if let start = try dataStart(in: file, from: offset, header) {
                    try blocks.appendZeros(min(start, end) - offset)
                    offset = min(start, end)
                    if offset == end { return true }
                    end = min(end, max(clinux_seek_hole(file, offset), offset + 1))
                } else {
                    seeks = false
                }
            }
            while offset < end {
                let count = try blocks.fill(end - offset) { buffer in
                    try SystemCall.result("read", displayed(header.path)) {
                        pread(file, buffer.baseAddress, buffer.count, off_t(offset))
                    }
                }
                guard count > 0 else {
                    try blocks.appendZeros(header.size - offset)
                    return false
                }
                offset += Int64(count)
                progress.addRead(count)
            }
        }
        return true
    }

    /// Where the next data is, the file's end if there is none; nil if the filesystem does not say.
    private func dataStart(in file: Int32, from offset: Int64, _ header: TarHeader) throws -> Int64? {
        let start = clinux_seek_data(file, offset)
        if start >= 0 { return start }
        switch errno {
        case ENXIO: return header.size
        case EINVAL, EOPNOTSUPP: return nil
        case let code: throw RootfsError.system(operation: "lseek", path: displayed(header.path), code: code)
        }
    }

    private mutating func append(bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try blocks.append($0) }
    }
}
