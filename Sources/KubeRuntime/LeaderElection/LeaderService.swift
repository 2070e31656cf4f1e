// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import ServiceLifecycle

/// Work that only one of several processes does, as a service.
///
/// Told to shut down, it ends its work, which is told the same way, and releases the lease.
public struct LeaderService: ServiceLifecycle.Service {
    private let elector: LeaderElector
    private let work: @Sendable (Leadership) async throws -> Void

    /// Creates a service.
    ///
    /// - Parameter work: what the leader does: see ``LeaderElector/run(_:)``.
    public init(_ elector: LeaderElector, work: @escaping @Sendable (Leadership) async throws -> Void) {
        self.elector = elector
        self.work = work
    }

    /// Waits until it is the leader, and works.
    ///
    /// - Throws: what the work throws; `LeadershipLost`, after which a process should end and be started again;
    ///   `CancellationError`.
    public func run() async throws {
        do {
            try await elector.run(work)
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // It was asked to end, and has.
        }
    }
}
