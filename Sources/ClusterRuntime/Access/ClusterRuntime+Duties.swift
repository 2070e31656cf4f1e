// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import Logging
import SandboxModels

import struct Foundation.Date

/// What a server does with sandboxes by itself.
extension ClusterRuntime {
    /// Does what is due until the task is cancelled.
    func attendToDuties() async {
        while !Task.isCancelled {
            // Before anything is looked at, or what changes meanwhile would be missed.
            let changes = roster.changes()
            for id in roster.due(now()) {
                await attend(id)
                schedule(id)
            }
            await Self.wait(for: roster.next?.timeIntervalSince(now()) ?? .infinity, or: changes)
        }
    }

    /// Returns after a while, or as soon as the roster has another date.
    private static func wait(for seconds: Double, or changes: AsyncStream<Void>) async {
        guard seconds > 0 else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await Task.sleep(for: .seconds(min(seconds, 3600))) }
            group.addTask {
                for await _ in changes { return }
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// Takes note of what is to be done with a sandbox next.
    func schedule(_ id: String) {
        let duty = directory[id].flatMap { SandboxDuty($0, seen: accesses.lastSeen(id)) }
        // What could not be done a moment ago is not tried again at once.
        roster.set(id, duty.map { max($0.date, now().addingTimeInterval(1)) })
    }

    private func attend(_ id: String) async {
        guard let entry = directory[id], let duty = SandboxDuty(entry, seen: accesses.lastSeen(id)), duty.date <= now()
        else { return }
        do {
            switch duty {
            case .pauseIdle:
                try await pauseIdle(id)
                logger.info("a sandbox is paused because nobody uses it", metadata: ["sandbox": "\(id)"])
            case .deleteUnheardOf:
                // Only as it is known: somebody may just have heard of it after all.
                let metadata = entry.object.metadata
                let options = DeleteOptions(uid: metadata.uid, resourceVersion: metadata.resourceVersion)
                try await sandboxes.delete(metadata.name, options)
                logger.notice(
                    "a sandbox was deleted of which nobody has heard: its creator had died",
                    metadata: ["sandbox": "\(id)"]
                )
            }
        } catch {
            logger.info("what is due could not be done", metadata: ["sandbox": "\(id)", "error": "\(error)"])
        }
    }
}
