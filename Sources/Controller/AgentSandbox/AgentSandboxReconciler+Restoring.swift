// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

/// Sandboxes that start from a snapshot of another one.
extension AgentSandboxReconciler {
    /// What a new sandbox starts from.
    enum Origin {
        /// This.
        case artifact(Artifact)
        /// Nothing yet, and why. If that is final, something has to be done about it.
        case pending(Problem, isFinal: Bool)
    }

    /// Finds what a sandbox is to start from.
    ///
    /// - Parameter name: `name` or `namespace/name` of a snapshot.
    func origin(of sandbox: Sandbox, named name: String) async throws -> Origin {
        guard sandbox.isSuspended else { return .pending(.notCreatedSuspended, isFinal: true) }
        let namespace = sandbox.metadata.namespace ?? "default"
        let key = Self.origin(name, in: namespace)
        var found = snapshots.store[key]
        if found == nil {
            do {
                found = try await client.resource(SandboxSnapshot.self, in: .named(key.namespace ?? namespace))
                    .find(key.name)
            } catch let error as KubeError where error.kind == .forbidden || error.kind == .invalid {
                return .pending(.originUnreadable(key, error), isFinal: true)
            }
        }
        // To whom it is not given, it is not told whether it is there.
        guard let snapshot = found, key.namespace == namespace || snapshot.isGiven(to: namespace) else {
            return .pending(key.namespace == namespace ? .noOrigin(key) : .originNotGiven(key), isFinal: false)
        }
        switch try SandboxSnapshotState(of: snapshot, now: now()).record.phase {
        case .ready(let artifact): return .artifact(artifact)
        case .failed(let problem): return .pending(.originFailed(key, problem), isFinal: true)
        case .deleting, .deleted: return .pending(.noOrigin(key), isFinal: false)
        case .waiting, .capturing, .ending:
            return .pending(Problem("SnapshotNotReady", "The SandboxSnapshot \(key) is not ready yet."), isFinal: false)
        }
    }

    /// The snapshot that an annotation names.
    static func origin(_ text: String, in namespace: String?) -> ObjectKey {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return ObjectKey(namespace: namespace, name: text) }
        return ObjectKey(namespace: String(parts[0]), name: String(parts[1]))
    }

    /// Tells why a sandbox does not start from its snapshot, and says when to look again if nothing happens.
    func tell(_ problem: Problem, isFinal: Bool, of sandbox: Sandbox) async throws -> Reconciliation {
        let message = "\(problem.reason): \(problem.message)"
        let told = [
            AgentSandboxes.Annotation.state: AgentSandboxState.restoring.rawValue,
            AgentSandboxes.Annotation.message: message,
        ]
        let news = told.filter { sandbox.metadata.annotations[$0.key] != $0.value }
        if !news.isEmpty {
            let annotations = JSONValue.object(news.mapValues { .string($0) })
            guard try await write(MergePatch(["metadata": ["annotations": annotations]]), to: sandbox) != nil else {
                return .done
            }
            recorder.record(isFinal ? .warning : .normal, about: sandbox, reason: problem.reason, problem.message)
        }
        // Of one in a namespace that is not watched nobody tells.
        return isFinal ? .done : .requeue(after: .seconds(10))
    }
}

extension StoreIndex {
    /// By the snapshot that sandboxes start from: `ObjectKey.description`.
    static func origin<Version>() -> StoreIndex where Object == AgentSandbox<Version> {
        StoreIndex("origin") { sandbox in
            guard let name = sandbox.metadata.annotations[AgentSandboxes.Annotation.restoreFrom] else { return [] }
            return ["\(AgentSandboxReconciler<Version>.origin(name, in: sandbox.metadata.namespace))"]
        }
    }
}

extension SandboxSnapshot {
    /// Whether it may be restored in another namespace.
    fileprivate func isGiven(to namespace: String) -> Bool {
        let names = (metadata.annotations[AgentSandboxes.Annotation.restoreInto] ?? "").split(separator: ",")
            .map { $0.filter { !$0.isWhitespace } }
        return names.contains("*") || names.contains(namespace)
    }
}

extension Problem {
    fileprivate static let notCreatedSuspended = Problem(
        "RestoreNotBegun",
        "The sandbox runs already, from the images of its template. Create one with spec.operatingMode Suspended, and it is started from "
            + "the snapshot."
    )

    fileprivate static func noOrigin(_ key: ObjectKey) -> Problem {
        Problem(
            "SnapshotNotFound",
            "There is no SandboxSnapshot \(key). The sandbox starts when there is one that is ready."
        )
    }

    fileprivate static func originNotGiven(_ key: ObjectKey) -> Problem {
        Problem(
            "SnapshotNotGiven",
            "There is no SandboxSnapshot \(key) that may be restored in this namespace. Whoever owns it gives it by the annotation "
                + "\(AgentSandboxes.Annotation.restoreInto) with this namespace's name."
        )
    }

    fileprivate static func originUnreadable(_ key: ObjectKey, _ error: KubeError) -> Problem {
        Problem("SnapshotUnreadable", "The SandboxSnapshot \(key) cannot be read: \(error)")
    }

    fileprivate static func originFailed(_ key: ObjectKey, _ problem: Problem) -> Problem {
        Problem("SnapshotFailed", "The SandboxSnapshot \(key) has failed (\(problem.reason)). Name another one.")
    }
}
