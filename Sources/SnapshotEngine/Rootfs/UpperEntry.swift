// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One name in an upper directory, while it is visited.
struct UpperEntry: Sendable {
    enum Kind: Sendable, Hashable {
        /// `isOpaque`: what the image has below it is not to be seen.
        case directory(isOpaque: Bool)
        case regular
        case symbolicLink(target: [UInt8])
        case characterDevice
        case blockDevice
        case fifo
        /// `hides`: the layers below have something under this name, which must not be seen again.
        case socket(hides: Bool)
        /// The name is gone.
        case whiteout
    }

    /// Relative to the root, without a slash at either end; empty for the root itself.
    var path: [UInt8]
    var kind: Kind
    var status: FileStatus
    var attributes: [ExtendedAttribute]
    /// Readable, and open as long as somebody has the entry; for regular files, else -1.
    var contents: Int32
    /// Keeps `contents` open.
    var file: OpenContents?
}

/// A file that is closed when the last entry that has it goes.
final class OpenContents: Sendable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}
