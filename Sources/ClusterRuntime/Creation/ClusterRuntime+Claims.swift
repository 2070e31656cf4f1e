// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import Logging
import SandboxModels

/// The claims that sandboxes' volumes are.
extension ClusterRuntime {
    private var claims: ResourceClient<PersistentVolumeClaim> {
        client.resource(PersistentVolumeClaim.self, in: .named(configuration.namespace))
    }

    /// On a claim that goes with a sandbox: the sandbox's identity.
    private static let madeFor = "stasis.dev/made-for"

    /// Makes the claims that are not there and may be made.
    ///
    /// - Throws: `SandboxError` with `volumeNotFound` or `invalidParameter`. A server that may not look at claims leaves them to
    ///   the cluster.
    func claimVolumes(_ volumes: [SandboxVolume], for id: String) async throws {
        for volume in volumes {
            guard case .named(let claim) = volume.source else { continue }
            do {
                if try await claims.find(claim.name) != nil { continue }
                guard claim.createIfAbsent else {
                    throw SandboxError(
                        .volumeNotFound,
                        "There is no claim '\(claim.name)' for the volume '\(volume.name)'."
                    )
                }
                _ = try await claims.create(try made(claim, id))
            } catch let error as KubeError where error.kind == .forbidden || error.isAlreadyExists {
                logger.debug("a claim is left as it is", metadata: ["claim": "\(claim.name)", "error": "\(error)"])
            } catch let error as KubeError {
                throw SandboxError(error, doing: "make the claim '\(claim.name)'")
            }
        }
    }

    /// Makes a sandbox the owner of the claims that were made for it and go with it.
    func bindClaims(_ volumes: [SandboxVolume], to object: BatchSandbox) async throws {
        let owner = try JSONValue(encoding: object.controllerReference(blockOwnerDeletion: false))
        for volume in volumes {
            guard case .named(let claim) = volume.source, claim.deleteWithSandbox else { continue }
            try await telling("bind the claim '\(claim.name)'") {
                guard let found = try await claims.find(claim.name),
                    found.metadata.annotations[Self.madeFor] == object.sandboxID
                else { return }
                let patch: JSONValue = ["metadata": ["ownerReferences": [owner]]]
                _ = try await claims.patch(claim.name, .merge(MergePatch(patch)))
            }
        }
    }

    private func made(_ claim: SandboxVolume.NamedVolume, _ id: String) throws(SandboxError) -> PersistentVolumeClaim {
        let text = claim.storage ?? configuration.defaultVolumeSize
        guard let size = Quantity(withinLimits: text) else {
            throw SandboxError(.invalidParameter, "The size '\(text)' of the claim '\(claim.name)' is no quantity.")
        }
        return .with {
            $0.metadata.name = claim.name
            if claim.deleteWithSandbox { $0.metadata.annotations = [Self.madeFor: id] }
            $0.spec.accessModes = claim.accessModes ?? ["ReadWriteOnce"]
            $0.spec.storageClassName = claim.storageClass
            $0.spec.resources = .with { $0.requests = ["storage": size] }
        }
    }
}
