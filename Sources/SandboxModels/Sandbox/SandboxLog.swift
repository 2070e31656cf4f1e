// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// The end of what a sandbox has printed.
public struct SandboxLog: Sendable, Hashable {
    /// Standard output and standard error in whole lines, each in its order and the two about as they came; bytes that
    /// are no UTF-8 are replaced.
    public var text: String
    /// Whether there is more of it, before this.
    public var isTruncated: Bool
    /// When something was printed last; nil if there is no log at all, because nothing of the sandbox runs.
    public var lastWrittenAt: Date?

    /// Creates a log from its values; without arguments, that of a sandbox of which nothing runs.
    public init(text: String = "", isTruncated: Bool = false, lastWrittenAt: Date? = nil) {
        self.text = text
        self.isTruncated = isTruncated
        self.lastWrittenAt = lastWrittenAt
    }
}
