// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// How far an informer has come, and what it does next. Pure.
struct ReflectorState {
    /// What it does next.
    enum Work: Hashable {
        /// Lists all objects, page by page or in one answer.
        case list(isPaged: Bool)
        /// Watches from a state on.
        case watch(from: String)
    }

    private(set) var work = Work.list(isPaged: true)
    /// How many times in a row it has failed.
    private(set) var failures = 0
    /// Why it failed last; `nil` if it works.
    private(set) var failure: (any Error)?

    /// A list is complete.
    mutating func listed(_ version: String) {
        work = .watch(from: version)
        failures = 0
        failure = nil
    }

    /// An event was taken in.
    mutating func advanced(to version: String?) {
        failures = 0
        failure = nil
        if case .watch = work, let version, !version.isEmpty { work = .watch(from: version) }
    }

    /// What it did has failed.
    ///
    /// - Returns: how long to wait.
    mutating func failed(_ error: any Error, _ backoff: Backoff) -> Duration {
        failures += 1
        failure = error
        guard (error as? KubeError)?.isExpired == true else { return backoff.delay(after: failures) }
        switch work {
        // The pages came too slowly, so they would again.
        case .list: work = .list(isPaged: false)
        case .watch: work = .list(isPaged: true)
        }
        // That a state is too old is nobody's fault, once.
        return failures == 1 ? .zero : backoff.delay(after: failures - 1)
    }
}
