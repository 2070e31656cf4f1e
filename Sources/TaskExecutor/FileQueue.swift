// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Where an actor works that reads and writes files, which keeps whoever does it waiting: not where everybody else works.
final class FileQueue: SerialExecutor {
    private let queue: DispatchQueue

    init(_ label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
