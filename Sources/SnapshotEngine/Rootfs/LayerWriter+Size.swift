// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension LayerWriter {
    /// What an entry takes at least, in bytes: its inode, its name and its header in a tar.
    private static let entrySize: Int64 = 4096

    private struct Enough: Error {}

    /// Whether there is as much as that in the upper directory, about: looks no further than it has to. Blocking.
    ///
    /// - Parameter bytes: On the disk; entries without content count a little, too.
    /// - Throws: `RootfsError` if the tree cannot be walked.
    func holds(atLeast bytes: Int64) throws -> Bool {
        var found: Int64 = 0
        var walk = UpperWalk(root: upperDirectory, reservedNames: .skip, vanishedFiles: .skip)
        do {
            try walk.run { entry in
                found += max(Int64(clamping: entry.status.blocks) * 512, Self.entrySize)
                if found >= bytes { throw Enough() }
            }
        } catch is Enough {
            return true
        }
        return false
    }
}
