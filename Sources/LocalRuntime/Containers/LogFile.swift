// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

/// The end of a log as it was when it was read.
struct LogFile {
    /// Its bytes.
    let bytes: ArraySlice<UInt8>
    /// Whether there is more before them.
    let isCut: Bool
    /// When it was written last, in seconds since 1970.
    let writtenAt: Double

    /// Reads a file that may grow meanwhile; nil if it is not there. Blocks.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    init?(path: String, atMost limit: Int) throws(SandboxError) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            guard errno == ENOENT else { throw .unreadableLog(path, errno) }
            return nil
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .unreadableLog(path, errno) }
        let start = max(0, Int(status.st_size) - limit)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) - start)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress?.advanced(by: filled), buffer.count - filled, off_t(start + filled))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadableLog(path, errno) }
            guard count > 0 else { break }
            filled += count
        }
        self.bytes = bytes[..<filled]
        isCut = start > 0
        writtenAt = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    }
}

extension SandboxError {
    fileprivate static func unreadableLog(_ path: String, _ number: Int32) -> SandboxError {
        SandboxError(.runtimeUnavailable, "the log \(path) cannot be read: \(String(cString: strerror(number)))")
    }
}
