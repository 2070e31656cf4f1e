// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A directory on the way from the root to the current one.
final class DirectoryFrame {
    let identity: FileStatus.Identity
    /// The bytes of the path that are this directory's.
    let pathCount: Int
    var names = DirectoryNames()
    var next = 0
    var hasWhiteoutFiles = false
    /// Whether it, or a directory that it is in, is opaque: nothing of the layers below is to be seen in it.
    var hidesLower = false
    /// Whether all its names were visited.
    var isComplete = true
    /// What is copied of what is in it.
    var mode = CopyComparison.Mode.everything
    /// Its own entry, if it has not been visited and is to be as soon as anything in it is: unpackers then set its times
    /// again, which they change by what they put into it.
    var pending: UpperEntry?
    /// -1 while it is closed.
    var descriptor: Int32

    init(descriptor: Int32, identity: FileStatus.Identity, pathCount: Int) {
        self.descriptor = descriptor
        self.identity = identity
        self.pathCount = pathCount
    }

    deinit { close() }

    /// Its status now.
    func status(path: @autoclosure () -> String) throws -> FileStatus {
        try FileStatus(of: descriptor, path: path())
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
