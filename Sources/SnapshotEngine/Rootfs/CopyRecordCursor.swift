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

        var isDirectory: Bool { kind == .directory || kind == .opaqueDirectory }
    }

    private let record: CopyRecord
    private var chunk = 0
    private var offset = 0
    /// The entry at the cursor; nil at the end of a directory, and of everything.
    private(set) var entry: Entry?

    init(_ record: CopyRecord) {
        self.record = record
        load()
    }

    /// Goes on to the next entry, which for a directory is the first in it.
    mutating func advance() {
        guard chunk < record.chunks.count else { return }
        switch entry?.kind {
        case nil: offset += 1
        case .directory, .opaqueDirectory: offset += 18 + (entry?.name.count ?? 0)
        default: offset += 10 + (entry?.name.count ?? 0)
        }
        load()
    }

    /// Goes on behind the end of the directory that the cursor is in.
    mutating func leaveDirectory() {
        var depth = 1
        while depth > 0, chunk < record.chunks.count {
            if let entry { depth += entry.isDirectory ? 1 : 0 } else { depth -= 1 }
            advance()
        }
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
        guard let kind = CopyRecord.Kind(rawValue: bytes[offset]), kind != .end else { return }
        let name = offset + 2..<offset + 2 + Int(bytes[offset + 1])
        entry = bytes.withUnsafeBytes { raw in
            let hasInode = kind == .directory || kind == .opaqueDirectory
            return Entry(
                kind: kind,
                name: bytes[name],
                fingerprint: raw.loadUnaligned(fromByteOffset: name.upperBound, as: UInt64.self),
                inode: hasInode ? raw.loadUnaligned(fromByteOffset: name.upperBound + 8, as: UInt64.self) : 0
            )
        }
    }
}
