// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A clock whose points in time are durations since it was made, so that they can be kept and compared whatever clock it is.
struct Timeline: Sendable {
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration

    init(_ clock: any Clock<Duration>) {
        self.clock = clock
        elapsed = Self.elapsed(of: clock)
    }

    private static func elapsed<C: Clock<Duration>>(of clock: C) -> @Sendable () -> Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// Now.
    var now: Duration { elapsed() }

    /// Returns after a while.
    ///
    /// - Throws: `CancellationError`.
    func sleep(for duration: Duration) async throws {
        if duration > .zero { try await clock.sleep(for: duration) } else { try Task.checkCancellation() }
    }

    /// Returns at a point in time.
    ///
    /// - Throws: `CancellationError`.
    func sleep(until time: Duration) async throws { try await sleep(for: time - now) }

    /// What `body` gives, unless a point in time comes first: then `body` is cancelled, awaited, and it is `nil`.
    func run<Result: Sendable>(
        until deadline: Duration,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await sleep(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
