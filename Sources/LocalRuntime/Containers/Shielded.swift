// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Runs something to its end although the calling task may be cancelled: undoing, and calls that change something.
///
/// A call that is broken off may still be carried out, after whatever was done to undo it.
///
/// The new task is owned: this function waits for it.
@discardableResult
func shielded<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    try await Task { try await body() }.value
}
