// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import SandboxModels

import struct Foundation.Date

extension ContainerRuntime {
    /// The end of what a sandbox has printed, in whole lines; empty if there is no log.
    ///
    /// - Parameter bytes: How much is read at most.
    /// - Throws: `SandboxError` with `runtimeUnavailable` if the log cannot be read.
    public func log(of id: String, atMost bytes: Int) async throws -> SandboxLog {
        let path = logPath(of: id)
        return try await BlockingWork.run { try SandboxLog(path: path, atMost: bytes) }
    }
}

extension SandboxLog {
    /// Reads the end of a file that may grow meanwhile. Blocks.
    fileprivate init(path: String, atMost limit: Int) throws(SandboxError) {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            guard errno == ENOENT else { throw .unreadableLog(path, errno) }
            self.init()
            return
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
        var text = bytes[..<filled]
        // What is left of a line that began before is no line.
        if start > 0, let end = text.firstIndex(of: UInt8(ascii: "\n")) { text = text[(end + 1)...] }
        let seconds = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
        self.init(
            text: String(decoding: text, as: UTF8.self),
            isTruncated: start > 0,
            lastWrittenAt: Date(timeIntervalSince1970: seconds)
        )
    }
}

extension SandboxError {
    fileprivate static func unreadableLog(_ path: String, _ number: Int32) -> SandboxError {
        SandboxError(.runtimeUnavailable, "the log \(path) cannot be read: \(String(cString: strerror(number)))")
    }
}
