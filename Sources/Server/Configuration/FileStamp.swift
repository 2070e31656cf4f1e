// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date
import struct Foundation.FileAttributeKey
import class Foundation.FileManager
import struct Foundation.URL

/// What tells one state of a file from another without reading it.
struct FileStamp: Equatable {
    /// Where it really is: what a link leads to changes when a Secret does that is mounted as a folder.
    private let target: String
    private let inode: Int
    private let size: Int
    private let modified: Date?

    /// Looks at what a path leads to, over links; nil if there is nothing.
    init?(of path: String) {
        target = URL(filePath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else { return nil }
        inode = attributes[.systemFileNumber] as? Int ?? 0
        size = attributes[.size] as? Int ?? 0
        modified = attributes[.modificationDate] as? Date
    }
}
