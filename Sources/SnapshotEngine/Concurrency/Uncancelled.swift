// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Runs something to its end although the calling task may be cancelled: clean-up, and calls that change something.
///
/// A call that is broken off may still be carried out, after whatever was done to undo it.
///
/// The new task is owned: this function waits for it.
package func uncancelled<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: @escaping @Sendable () async -> Result
) async -> Result {
    await Task { await body() }.value
}

/// Runs something to its end although the calling task may be cancelled, and throws what it throws.
@discardableResult
package func uncancelled<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await Task { try await body() }.value
}

/// Runs something although the calling task may be cancelled, but from its cancellation on for a limited time only.
///
/// - Parameters:
///   - grace: How long `body` goes on after the calling task was cancelled. Then it is cancelled, and waited for.
///   - body: What to run.
func uncancelled<Result: Sendable>(
    for grace: Duration,
    isolation: isolated (any Actor)? = #isolation,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let work = Task { try await body() }
    let timer = Mutex<Task<Void, Never>?>(nil)
    defer { timer.withLock { $0?.cancel() } }
    return try await withTaskCancellationHandler {
        try await work.value
    } onCancel: {
        timer.withLock { timer in
            timer = Task {
                try? await Task.sleep(for: grace)
                if !Task.isCancelled { work.cancel() }
            }
        }
    }
}
