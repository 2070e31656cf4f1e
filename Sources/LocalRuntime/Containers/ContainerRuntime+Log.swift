// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

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
        guard let file = try LogFile(path: path, atMost: limit) else {
            self.init()
            return
        }
        var text = file.bytes[...]
        // What is left of a line that began before is no line.
        if file.isCut, let end = text.firstIndex(of: UInt8(ascii: "\n")) { text = text[(end + 1)...] }
        self.init(
            text: String(decoding: text, as: UTF8.self),
            isTruncated: file.isCut,
            lastWrittenAt: Date(timeIntervalSince1970: file.writtenAt)
        )
    }
}
