// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Reads a record from its beginning to its end.
struct CopyRecordCursor: Sendable {
    /// The entry at the cursor.
    struct Entry: Sendable {
        var kind: CopyRecord.Kind
        var name: ArraySlice<UInt8>
        var fingerprint: UInt64
        /// Of directories only.
        var inode: UInt64
        /// How many entries are before it.
        var ordinal: Int

        var isDirectory: Bool { kind == .directory || kind == .opaqueDirectory }

        /// Whether unpacking the layer makes something of it.
        var isInLayer: Bool { isDirectory || kind == .other }
    }

    private let record: CopyRecord
    private var chunk = 0
    private var offset = 0
    private var ordinal = 0
    /// The entry at the cursor; nil at the end of a directory, and of everything.
    private(set) var entry: Entry?

    init(_ record: CopyRecord) {
        self.record = record
        load()
    }

    /// Goes on to the next entry, which for a directory is the first in it.
    mutating func advance() {
        guard chunk < record.chunks.count else { return }
        offset +=
            entry.map { ($0.isDirectory ? CopyRecord.bytesOfDirectory : CopyRecord.bytesOfEntry) + $0.name.count } ?? 1
        if entry != nil { ordinal += 1 }
        load()
    }

    /// Goes on behind the end of the directory that the cursor is in.
    mutating func leaveDirectory() {
        var depth = 1
        while depth > 0, chunk < record.chunks.count {
            record.chunks[chunk].withUnsafeBytes { bytes in
                while depth > 0, offset < bytes.count {
                    switch CopyRecord.Kind(rawValue: bytes[offset]) {
                    case .end, .endOfPart:
                        depth -= 1
                        offset += 1
                        continue
                    case .directory, .opaqueDirectory:
                        depth += 1
                        offset += CopyRecord.bytesOfDirectory + Int(bytes[offset + 1])
                    default:
                        offset += CopyRecord.bytesOfEntry + Int(bytes[offset + 1])
                    }
                    ordinal += 1
                }
            }
            if offset == record.chunks[chunk].count { (chunk, offset) = (chunk + 1, 0) }
        }
        load()
    }

    /// Goes on behind the entry and all that is in it.
    mutating func skip() {
        let isDirectory = entry?.isDirectory == true
        advance()
        if isDirectory { leaveDirectory() }
    }

    private mutating func load() {
        entry = nil
        if chunk < record.chunks.count, offset == record.chunks[chunk].count {
            chunk += 1
            offset = 0
        }
        guard chunk < record.chunks.count else { return }
        let bytes = record.chunks[chunk]
        guard let kind = CopyRecord.Kind(rawValue: bytes[offset]), kind != .end, kind != .endOfPart else { return }
        let name = offset + 2..<offset + 2 + Int(bytes[offset + 1])
        entry = bytes.withUnsafeBytes { raw in
            let hasInode = kind == .directory || kind == .opaqueDirectory
            return Entry(
                kind: kind,
                name: bytes[name],
                fingerprint: raw.loadUnaligned(fromByteOffset: name.upperBound, as: UInt64.self),
                inode: hasInode ? raw.loadUnaligned(fromByteOffset: name.upperBound + 8, as: UInt64.self) : 0,
                ordinal: ordinal
            )
        }
    }
}
