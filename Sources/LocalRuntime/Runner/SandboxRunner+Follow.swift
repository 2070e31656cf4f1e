// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

extension SandboxRunner {
    /// Waits until there is something newer than what was seen.
    ///
    /// - Parameter seen: The version that was seen last; nil for none.
    /// - Returns: Nil when nothing is left of the sandbox, or the task is cancelled.
    func change(after seen: Int?) async -> (version: Int, sandbox: Sandbox)? {
        let signal = WakeSignal()
        followers.append(signal)
        defer { followers.removeAll { $0 === signal } }
        while version == seen, !isForgotten, !Task.isCancelled { await signal.wait() }
        guard !isForgotten, !Task.isCancelled else { return nil }
        // What is written after this is a newer version.
        let version = version
        return (version, await sandbox())
    }
}
