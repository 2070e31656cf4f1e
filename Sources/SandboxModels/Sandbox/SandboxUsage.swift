// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// What a running sandbox uses at one moment.
public struct SandboxUsage: Sendable, Hashable {
    /// The moment.
    public var at: Date
    /// How much of a processor it has used of late, in percent of one.
    public var cpuPercent: Double
    /// Bytes of memory that it uses, caches not counted.
    public var memoryUsed: Int64
    /// Bytes of memory that it may use.
    public var memoryTotal: Int64
    /// Bytes of memory that hold files which could be read again.
    public var memoryCache: Int64
    /// Bytes on disk that it uses.
    public var diskUsed: Int64
    /// Bytes on disk that it may use.
    public var diskTotal: Int64

    /// Creates one from its values.
    public init(
        at: Date,
        cpuPercent: Double,
        memoryUsed: Int64,
        memoryTotal: Int64,
        memoryCache: Int64,
        diskUsed: Int64,
        diskTotal: Int64
    ) {
        self.at = at
        self.cpuPercent = cpuPercent
        self.memoryUsed = memoryUsed
        self.memoryTotal = memoryTotal
        self.memoryCache = memoryCache
        self.diskUsed = diskUsed
        self.diskTotal = diskTotal
    }
}
