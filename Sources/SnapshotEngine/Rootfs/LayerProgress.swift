// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How far a layer is. Written by the thread that makes it, read from anywhere; also the way to stop it.
public final class LayerProgress: Sendable {
    private let readBytes = Atomic<Int64>(0)
    private let writtenBytes = Atomic<Int64>(0)
    private let visited = Atomic<Int64>(0)
    private let cancelled = Atomic<Bool>(false)

    /// Nothing has been done yet.
    public init() {}

    /// Bytes read from files.
    public var bytesRead: Int64 { readBytes.load(ordering: .relaxed) }
    /// Compressed bytes handed on.
    public var bytesWritten: Int64 { writtenBytes.load(ordering: .relaxed) }
    /// Names visited.
    public var entries: Int64 { visited.load(ordering: .relaxed) }
    /// Somebody asked to stop.
    public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// Asks the thread to stop; it does so at the next file or block with a `CancellationError`.
    public func cancel() { cancelled.store(true, ordering: .relaxed) }

    func addRead(_ count: Int) { readBytes.wrappingAdd(Int64(count), ordering: .relaxed) }
    func addWritten(_ count: Int) { writtenBytes.wrappingAdd(Int64(count), ordering: .relaxed) }
    func addEntry() { visited.wrappingAdd(1, ordering: .relaxed) }

    func checkCancellation() throws {
        if isCancelled { throw CancellationError() }
    }
}
