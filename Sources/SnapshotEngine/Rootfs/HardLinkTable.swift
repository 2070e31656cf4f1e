// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Which inodes with several names have been written, and under which name first.
///
/// It grows only with the inodes of which names are still to come.
struct HardLinkTable {
    private struct Written {
        var path: [UInt8]
        var remaining: UInt32
    }

    private var written: [FileStatus.Identity: Written] = [:]

    /// Inodes of which a name has been written and another has not.
    var incomplete: Set<FileStatus.Identity> { Set(written.keys) }

    /// The name to link to, or nil for the first name of an inode, which is then kept.
    mutating func firstName(of entry: UpperEntry) -> [UInt8]? {
        guard entry.status.links > 1 else { return nil }
        guard let index = written.index(forKey: entry.status.identity) else {
            written[entry.status.identity] = Written(path: entry.path, remaining: entry.status.links - 1)
            return nil
        }
        let path = written.values[index].path
        if written.values[index].remaining > 1 {
            written.values[index].remaining -= 1
        } else {
            written.remove(at: index)
        }
        return path
    }
}
