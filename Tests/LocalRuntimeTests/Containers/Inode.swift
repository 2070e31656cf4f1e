// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the kernel says of a file.
struct Inode {
    var number: UInt64
    var permissions: UInt32
    /// Bytes that it takes on the disk.
    var room: Int

    /// What a path leads to, over links; nil if there is nothing.
    init?(at path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// What a descriptor is of.
    init?(of descriptor: CInt) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        number = UInt64(status.st_ino)
        permissions = UInt32(status.st_mode) & 0o7777
        room = Int(status.st_blocks) * 512
    }
}
