// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One name in an upper directory, while it is visited.
struct UpperEntry {
    enum Kind: Hashable {
        /// `isOpaque`: what the image has below it is not to be seen.
        case directory(isOpaque: Bool)
        case regular
        case symbolicLink(target: [UInt8])
        case characterDevice
        case blockDevice
        case fifo
        case socket
        /// The name is gone.
        case whiteout
    }

    /// Relative to the root, without a slash at either end; empty for the root itself.
    var path: [UInt8]
    var kind: Kind
    var status: FileStatus
    var attributes: [ExtendedAttribute]
    /// Readable, and open only during the visit; for regular files, else -1.
    var contents: Int32
}
