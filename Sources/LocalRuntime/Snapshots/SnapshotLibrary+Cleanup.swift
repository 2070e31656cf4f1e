// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import OCIRegistry
import SandboxModels
import SnapshotEngine

/// What nothing needs any more, and how it goes.
extension SnapshotLibrary {
    /// How long to wait after a store could not be reached before it is asked again.
    private static let retryDelay: Duration = .seconds(30)

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

    /// Deletes what is needed no more whenever there may be something, until cancelled.
    func keepTidy() async {
        while !Task.isCancelled {
            let isTidy = await tidyUp()
            await untidy.wait(until: isTidy ? nil : .now + Self.retryDelay)
        }
    }

    /// Whether everything could be deleted that was to be.
    private func tidyUp() async -> Bool {
        var isTidy = true
        for row in rows.values where row.status.state == .deleting || row.status.state == .failed {
            do {
                try await clear(row)
            } catch {
                isTidy = false
                let metadata: Logger.Metadata = ["snapshot": "\(row.id)", "error": "\(error)"]
                logger.warning("cannot delete what a snapshot has stored; will try again", metadata: metadata)
            }
        }
        do {
            try await world.retention.sweep()
        } catch {
            isTidy = false
            logger.warning("cannot delete an image that is needed no more", metadata: ["error": "\(error)"])
        }
        return isTidy
    }

    /// Deletes what a snapshot has in the store and nobody refers to, and its row if it is to be deleted.
    private func clear(_ row: SnapshotRow) async throws {
        if let unfinished = row.unfinished {
            try await deleteImage(at: unfinished)
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

    /// Deletes the image that a capture may have stored before it was cut off. Its tag is the capture's own.
    private func deleteImage(at target: String) async throws {
        let location = try ImageLocation(parsing: target)
        guard let reference = location.manifestReference else { return }
        let repository = repositories.repository(of: location)
        do {
            let manifest = try await repository.manifest(reference)
            _ = try await repository.deleteManifest(manifest.digest)
        } catch let error as RegistryError where error.isNotFound {
            return
        }
    }
}
