// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import SandboxModels

/// What nothing needs any more, and how it goes.
extension SnapshotLibrary {
    /// How long to wait before a store is asked again that did not delete something.
    private static let firstRetryDelay: Duration = .seconds(1)
    private static let longestRetryDelay: Duration = .seconds(600)

    /// Sees to it soon that what is needed no more is deleted.
    func tidy() {
        untidy.signal()
    }

    /// Writes down that what an earlier process was taking has failed.
    func failInterrupted() async {
        for var row in rows.values where interrupted.contains(row.id) {
            row.enter(
                .failed,
                SnapshotReason.interrupted,
                "The server ended while it took this snapshot. The sandbox runs on; take another one.",
                at: world.now()
            )
            await persist(row)
        }
    }

    /// Deletes what is needed no more whenever there may be something, until cancelled. A store that does not do it is
    /// asked again, ever more rarely, and that is told once.
    func keepTidy() async {
        var backoff = Backoff(from: Self.firstRetryDelay, to: Self.longestRetryDelay)
        while !Task.isCancelled {
            var delay: Duration?
            do {
                try await tidyUp()
                backoff.succeed()
            } catch {
                delay = backoff.fail()
                let level: Logger.Level = backoff.isNews ? .warning : .debug
                logger.log(
                    level: level,
                    "cannot delete what is needed no more; will try again until it works",
                    metadata: ["error": "\(error)"]
                )
            }
            let retry = delay.map { ContinuousClock.now + $0 }
            let expiry = rows.values.compactMap(\.expiresAt).min().map { world.instant(of: $0) }
            await untidy.wait(until: [retry, expiry].compactMap(\.self).min())
        }
    }

    /// Deletes everything that is to be deleted.
    ///
    /// - Throws: The last of what kept something from being deleted.
    private func tidyUp() async throws {
        var failure: (any Error)?
        for row in rows.values where row.expiresAt.map({ $0 <= world.now() }) ?? false {
            do {
                try await delete(row.id)
            } catch {
                failure = error
            }
        }
        for row in rows.values where row.status.state == .deleting || row.status.state == .failed {
            do {
                try await clear(row)
            } catch {
                failure = error
            }
        }
        try await world.retention.sweep()
        if let failure { throw failure }
    }

    /// Deletes what a snapshot has in the store and nobody refers to, and its row if it is to be deleted.
    private func clear(_ row: SnapshotRow) async throws {
        if let unfinished = row.unfinished {
            try await world.retention.discard(
                UnrecordedImage(target: unfinished, capture: row.id, sandbox: row.sandboxID)
            )
            try await turns.withLock(row.id) {
                guard var row = rows[row.id] else { return }
                row.unfinished = nil
                try await store.update(row)
                rows[row.id] = row
            }
        }
        guard row.status.state == .deleting else { return }
        if let artifact = row.artifact { try await world.retention.release(artifact, of: .snapshot(row.id)) }
        try await store.remove(row.id)
        rows[row.id] = nil
    }
}
