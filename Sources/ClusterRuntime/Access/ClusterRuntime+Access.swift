// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import Logging
import SandboxModels

public import struct Foundation.Date

/// What the use of sandboxes changes.
extension ClusterRuntime {
    /// Notes that somebody uses a sandbox. What that changes is written before it answers, at most every few seconds; a
    /// failure is only logged.
    public func recordAccess(_ id: String, at access: Date) async {
        guard let entry = directory[id], entry.object.metadata.deletionTimestamp == nil else { return }
        let policy = AccessPolicy(entry.sandbox.spec.extensions)
        guard policy.idleSeconds != nil || policy.renewalSeconds != nil else { return }
        guard let renewed = accesses.see(id, at: access) else { return }
        let annotations = entry.object.metadata.annotations
        let update = policy.update(
            at: access,
            noted: annotations[OpenSandbox.Annotation.lastAccess].flatMap { MicroTime($0) }?.date,
            expiresAt: entry.sandbox.expiresAt,
            renewed: renewed,
            renewalInterval: configuration.renewsOnAccess ? Double(configuration.renewalInterval) : nil
        )
        defer { accesses.wrote(id, renewed: update.expiresAt == nil ? nil : access) }
        guard !update.isEmpty else { return }
        var patch: JSONValue = [:]
        if let note = update.note {
            let time = JSONValue.string(MicroTime(note).description)
            patch["metadata"] = ["annotations": [OpenSandbox.Annotation.lastAccess: time]]
        }
        if let end = update.expiresAt { patch["spec"] = ["expireTime": .string(SpelledTime(end).text)] }
        do {
            directory.put(try await sandboxes.patch(entry.object.metadata.name, .merge(MergePatch(patch))))
        } catch {
            logger.info("an access could not be noted", metadata: ["sandbox": "\(id)", "error": "\(error)"])
        }
    }
}
