// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Judges whether what an earlier copy has is what there is now.
struct CopyJudge: Sendable {
    /// Before the earlier copy began.
    let since: FileTime
    /// Files that are copied whatever they are like: other names of theirs are.
    let copied: Set<FileStatus.Identity>

    /// Whether the earlier copy has a file, or whatever is no directory, as it is now.
    func isUnchanged(_ status: FileStatus, _ kind: CopyRecord.Kind, _ fingerprint: UInt64) -> Bool {
        // In the layer both are the same: the name is gone.
        if Self.isGone(status) { return kind == .whiteout || kind == .leftOut }
        return (kind == .other || kind == .whiteout) && isSame(status, fingerprint)
            && (copied.isEmpty || !copied.contains(status.identity))
    }

    /// Whether an inode is the one of the record and was not touched since. What was touched in the very moment in which
    /// it was copied may look the same, hence the time.
    func isSame(_ status: FileStatus, _ fingerprint: UInt64) -> Bool {
        fingerprint == status.fingerprint && status.changed < since
    }

    /// Whether it is a name of a file that has others.
    static func isLink(_ status: FileStatus) -> Bool { status.links > 1 && !isGone(status) }

    private static func isGone(_ status: FileStatus) -> Bool { status.isWhiteoutDevice || status.kind == .socket }
}
