// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
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

extension ContainerRuntime {
    /// How large a log may become on the disk until its beginning is let go, in bytes.
    static let largestLog: Int64 = 16 << 20
    /// How much of its end is kept then, in bytes.
    static let keptLog: Int64 = 8 << 20

    /// Lets go of the beginnings of logs that have become too large. The files keep their length, so whoever appends is
    /// not disturbed and no line is lost but those; only their beginnings take no room any more.
    func boundLogs() async {
        let folder = folder
        let failures = await (try? BlockingWork.run { LogBound.apply(to: folder) }) ?? []
        for failure in failures {
            logger.warning("a log could not be made smaller", metadata: ["error": "\(failure)"])
        }
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
