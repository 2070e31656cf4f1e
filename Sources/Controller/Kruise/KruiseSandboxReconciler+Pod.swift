// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

/// The pod of a sandbox, which has its name.
extension KruiseSandboxReconciler {
    func place(_ index: Int, of sandbox: KruiseSandbox) -> PodPlace {
        index == 0 ? sandboxes.place(of: sandbox, in: pods.store) : .vacant
    }

    func subject(_ index: Int, of sandbox: KruiseSandbox) -> SnapshotSubject {
        sandboxes.subject(sandbox, place(index, of: sandbox).pod)
    }

    func newPod(at index: Int, of sandbox: KruiseSandbox, from artifact: Artifact?) async throws -> NewPod {
        if let stranger = pods.store[sandbox.metadata.namespace, sandbox.metadata.name],
            !stranger.isControlled(by: sandbox)
        {
            return .notYet(.podNameTaken(sandbox.metadata.name))
        }
        let template: KruiseSandboxTemplateSpec
        switch sandboxes.specification(of: sandbox) {
        case .success(let found): template = found
        case .failure(let missing): return .notYet(missing.problem)
        }
        var pod: Pod
        let claims: [PersistentVolumeClaim]
        do {
            // What others have put onto its last pod, as far as that is a label, it keeps.
            let kept = artifact == nil ? [:] : sandbox.status?.podInfo?.labels ?? [:]
            pod = try sandbox.pod(from: template, keeping: kept)
            claims = try sandbox.claims(from: template).map(\.claim)
        } catch {
            return .refused(Problem("PodNotMade", "The pod cannot be made: \(error)"))
        }
        pod.metadata.labels[Self.templateHash] = sandbox.revision(of: template)
        if let problem = try await ensure(claims, of: sandbox) { return .notYet(problem) }
        return .pod(pod)
    }

    /// The label of pods that names the template that they were made from.
    static let templateHash = "pod-template-hash"

    /// Makes the claims that are not there.
    ///
    /// - Returns: Why a pod cannot use them yet.
    private func ensure(_ claims: [PersistentVolumeClaim], of sandbox: KruiseSandbox) async throws -> Problem? {
        let resource = client.resource(PersistentVolumeClaim.self, in: .named(sandbox.metadata.namespace ?? "default"))
        for claim in claims {
            do {
                _ = try await resource.create(claim)
            } catch let error as KubeError where error.isAlreadyExists {
                let found = try await resource.find(claim.metadata.name)
                // Somebody may have made it before; but one of an earlier sandbox of the name goes with that.
                guard let found, found.metadata.deletionTimestamp == nil, found.isFree(for: sandbox) else {
                    return .claimNameTaken(claim.metadata.name)
                }
            }
        }
        return nil
    }
}

extension PersistentVolumeClaim {
    fileprivate func isFree(for sandbox: KruiseSandbox) -> Bool {
        metadata.ownerReferences.allSatisfy {
            $0.kind != KruiseSandbox.resourceType.kind || $0.uid == sandbox.metadata.uid
        }
    }
}

extension Problem {
    fileprivate static func podNameTaken(_ name: String) -> Problem {
        Problem(
            "PodOwnerMismatch",
            "There is a pod \(name) that is not this sandbox's. The sandbox waits until it is gone; delete it if nobody needs it."
        )
    }

    fileprivate static func claimNameTaken(_ name: String) -> Problem {
        Problem(
            "ClaimOwnerMismatch",
            "There is a PersistentVolumeClaim \(name) that goes with an earlier sandbox. The sandbox waits until it is gone."
        )
    }
}
