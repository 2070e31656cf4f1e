// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
public import SnapshotProvider

extension JobSnapshotProvider {
    /// Refuses what could not succeed: see `CommitPreflight`. What cannot be found out now is left to the committer.
    public func preflight(_ request: SnapshotRequest) async throws(SnapshotFailure) {
        let namespace = NamespaceScope.named(request.source.namespace)
        var preflight = CommitPreflight(request: request, pushSecret: settings.pushSecret)
        do {
            preflight.pod = try await client.resource(Pod.self, in: namespace).find(request.source.pod)
            if let name = settings.pushSecret {
                preflight.secret = try await client.resource(Secret.self, in: namespace).find(name)
            }
            if let name = request.source.runtimeClass {
                preflight.runtimeHandler = try await handler(of: name)
            }
        } catch {
            throw SnapshotFailure(
                "PreflightFailed",
                "The cluster cannot be asked whether the capture would succeed: \(error)",
                isRetryable: true
            )
        }
        if let refusal = preflight.refusal { throw refusal }
    }

    /// The handler of a runtime class; nil if there is none, or if the controller may not look.
    private func handler(of name: String) async throws -> String? {
        do {
            return try await client.resource(RuntimeClass.self).find(name)?.handler
        } catch let error as KubeError where error.kind == .forbidden {
            return nil
        }
    }
}
