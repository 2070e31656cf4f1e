// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Runs clean-up to its end although the calling task may be cancelled.
///
/// The new task is owned: this function waits for it.
func uncancelled<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: @escaping @Sendable () async -> Result
) async -> Result {
    await Task { await body() }.value
}

/// Runs clean-up to its end although the calling task may be cancelled, and throws what it throws.
func uncancelled<Result: Sendable>(
    isolation: isolated (any Actor)? = #isolation,
    _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await Task { try await body() }.value
}
