// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import class Foundation.Thread

/// Runs blocking work on a thread of its own. It has to see to it itself that it ends when the task is cancelled.
func onOwnThread<Value: Sendable>(
    _ name: String,
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try work() }) }
        thread.name = name
        thread.start()
    }
}
