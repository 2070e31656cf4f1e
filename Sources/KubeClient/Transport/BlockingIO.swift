// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOPosix

/// Runs what blocks on threads that may block, never on those that Swift's tasks share.
enum BlockingIO {
    /// Runs `body` on such a thread and waits for it without blocking. Not begun if the task is cancelled before.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        return try await NIOThreadPool.singleton.runIfActive(body)
    }
}
