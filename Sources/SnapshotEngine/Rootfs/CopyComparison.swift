// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Compares a tree, as it is walked, with what an earlier copy of it holds.
struct CopyComparison {
    /// What is to be done about a directory's entries.
    enum Mode: Hashable {
        /// All are copied: nothing of the earlier copy is to be seen there.
        case everything
        /// Those are copied that are not the same as in the earlier copy, or all of them; and whatever the earlier copy
        /// has and the tree has not is deleted.
        case compared(copiesAll: Bool)
    }

    private var cursor: CopyRecordCursor
    private let since: FileTime
    /// Files that are copied whatever they are like: other names of theirs are.
    private let copied: Set<FileStatus.Identity>
    /// Files with several names of which one was found unchanged.
    private(set) var unchangedLinks: Set<FileStatus.Identity> = []

    init(_ record: CopyRecord, copying copied: Set<FileStatus.Identity> = []) {
        cursor = CopyRecordCursor(record)
        since = record.since
        self.copied = copied
    }

    /// Takes the entry of a name from the record, if it has one, and those of the names before it, which are gone. Of a
    /// directory the cursor is in it then.
    mutating func take(
        _ name: UnsafeBufferPointer<UInt8>
    ) throws -> (entry: CopyRecordCursor.Entry?, gone: [ArraySlice<UInt8>]) {
        var gone: [ArraySlice<UInt8>] = []
        while let entry = cursor.entry {
            let order = Self.compare(entry.name, name)
            if order > 0 { break }
            if order == 0 {
                cursor.advance()
                return (entry, gone)
            }
            try pass(entry, &gone)
        }
        return (nil, gone)
    }

    /// Leaves a directory, and gives the names that the record still has in it.
    mutating func takeRest() throws -> [ArraySlice<UInt8>] {
        var gone: [ArraySlice<UInt8>] = []
        while let entry = cursor.entry { try pass(entry, &gone) }
        cursor.advance()
        return gone
    }

    /// Leaves a directory, or passes over all that is left in it.
    mutating func leaveDirectory() { cursor.leaveDirectory() }

    /// Whether the earlier copy has a file, or whatever is no directory, as it is now.
    mutating func isUnchanged(_ status: FileStatus, since entry: CopyRecordCursor.Entry) -> Bool {
        // In the layer both are the same: the name is gone.
        if status.isWhiteoutDevice || status.kind == .socket {
            return entry.kind == .whiteout || entry.kind == .leftOut
        }
        guard entry.kind == .other || entry.kind == .whiteout, isSame(status, entry),
            !copied.contains(status.identity)
        else { return false }
        if status.links > 1 { unchangedLinks.insert(status.identity) }
        return true
    }

    /// Whether an inode is the one of the record and was not touched since. What was touched in the very moment in which
    /// it was copied may look the same, hence the time.
    func isSame(_ status: FileStatus, _ entry: CopyRecordCursor.Entry) -> Bool {
        entry.fingerprint == status.fingerprint && status.changed < since
    }

    private mutating func pass(
        _ entry: CopyRecordCursor.Entry,
        _ gone: inout [ArraySlice<UInt8>]
    ) throws {
        switch entry.kind {
        case .whiteout:
            // What the image has there would be seen again, and nothing makes overlayfs do that.
            throw RootfsError.changed(path: displayed(entry.name), detail: "it is not deleted any more")
        case .leftOut, .end: break
        case .directory, .opaqueDirectory, .other: gone.append(entry.name)
        }
        cursor.skip()
    }

    /// By bytes, as the walk goes.
    private static func compare(_ left: ArraySlice<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
        let common = min(left.count, right.count)
        let order = left.withUnsafeBytes { left in
            guard common > 0, let left = left.baseAddress, let right = right.baseAddress else { return Int32(0) }
            return memcmp(left, right, common)
        }
        return order == 0 ? left.count - right.count : Int(order)
    }
}
