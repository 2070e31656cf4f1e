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
    private let judge: CopyJudge
    /// What was looked at before the walk; nil if nothing was.
    private let unchanged: UnchangedEntries?
    /// Files with several names of which one was found unchanged.
    private(set) var unchangedLinks: Set<FileStatus.Identity>

    init(
        _ record: CopyRecord,
        copying copied: Set<FileStatus.Identity> = [],
        unchanged: UnchangedEntries? = nil
    ) {
        cursor = CopyRecordCursor(record)
        judge = CopyJudge(since: record.since, copied: copied)
        self.unchanged = unchanged
        unchangedLinks = unchanged?.links ?? []
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

    /// Whether it is known already that an entry, a directory with all that is in it, is as the earlier copy has it.
    func isKnownUnchanged(_ entry: CopyRecordCursor.Entry) -> Bool { unchanged?.contains(entry.ordinal) == true }

    /// Whether the earlier copy has a file, or whatever is no directory, as it is now.
    mutating func isUnchanged(_ status: FileStatus, since entry: CopyRecordCursor.Entry) -> Bool {
        guard judge.isUnchanged(status, entry.kind, entry.fingerprint) else { return false }
        if CopyJudge.isLink(status) { unchangedLinks.insert(status.identity) }
        return true
    }

    /// Whether an inode is the one of the record and was not touched since.
    func isSame(_ status: FileStatus, _ entry: CopyRecordCursor.Entry) -> Bool {
        judge.isSame(status, entry.fingerprint)
    }

    private mutating func pass(
        _ entry: CopyRecordCursor.Entry,
        _ gone: inout [ArraySlice<UInt8>]
    ) throws {
        switch entry.kind {
        case .whiteout:
            // What the image has there would be seen again, and nothing makes overlayfs do that.
            throw RootfsError.changed(path: displayed(entry.name), detail: "it is not deleted any more")
        case .leftOut, .end, .endOfPart: break
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
