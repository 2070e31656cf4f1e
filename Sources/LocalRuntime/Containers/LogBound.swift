// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import SandboxModels

import class Foundation.FileManager

/// Keeps the logs of containers from filling the disk.
enum LogBound {
    /// Lets go of the beginning of every log in a folder that takes too much room. Blocks.
    ///
    /// - Parameter folder: With a folder for each container.
    /// - Returns: What did not work, a sentence each.
    static func apply(to folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            guard ContainerSpecification.isIdentifier(name) else { return nil }
            let path = SandboxFolder(parent: folder, id: name).logPath
            let code = shorten(path)
            return code == 0 ? nil : "\(path): \(String(cString: strerror(code)))"
        }
    }

    /// Lets go of the beginning of a file that takes too much room.
    ///
    /// - Returns: Zero, or an errno.
    static func shorten(
        _ path: String,
        above largest: Int64 = ContainerRuntime.largestLog,
        to kept: Int64 = ContainerRuntime.keptLog
    ) -> CInt {
        let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return errno == ENOENT ? 0 : errno }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return errno }
        guard Int64(status.st_blocks) * 512 > largest else { return 0 }
        guard clinux_punch_hole(file, Int64(status.st_size) - kept) != 0 else { return 0 }
        // A file system that cannot do that: better no log than no room.
        guard errno == EOPNOTSUPP else { return errno }
        return ftruncate(file, 0) == 0 ? 0 : errno
    }
}
