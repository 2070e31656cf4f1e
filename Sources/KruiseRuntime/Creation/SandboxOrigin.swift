// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What a sandbox is made from.
struct SandboxOrigin {
    /// Which kind of object it is.
    enum Kind: Equatable {
        /// A set, which may have one ready.
        case set
        /// A template.
        case template
        /// A checkpoint, by what its clones say they are from.
        case checkpoint(id: String)
    }

    /// Which kind of object it is.
    var kind: Kind
    /// Its name.
    var name: String
    /// What the new sandbox's spec begins as.
    var spec: KruiseSandboxSpec
    /// What the new sandbox is told of itself, if the object says it.
    var initRequest: String?
    /// The UID of a checkpoint, which another one of its name does not have.
    var uid: String?

    /// A set.
    init(_ set: KruiseSandboxSet) {
        kind = .set
        name = set.metadata.name
        spec = .with {
            $0.template = set.spec.template
            $0.templateRef = set.spec.templateRef
            $0.persistentContents = set.spec.persistentContents
            $0.runtimes = set.spec.runtimes
            $0.pauseStrategy = set.spec.pauseStrategy
            $0.volumeClaimTemplates = set.spec.volumeClaimTemplates
        }
    }

    /// A template.
    init(_ template: KruiseSandboxTemplate) {
        kind = .template
        name = template.metadata.name
        spec = Self.spec(of: template)
    }

    /// A checkpoint and the template that goes with it, which names what was captured.
    init(_ checkpoint: KruiseCheckpoint, _ template: KruiseSandboxTemplate) {
        kind = .checkpoint(id: checkpoint.checkpointID)
        name = checkpoint.metadata.name
        uid = checkpoint.metadata.uid
        spec = Self.spec(of: template)
        initRequest = checkpoint.metadata.annotations[Kruise.Annotation.initRuntimeRequest]
    }

    /// An image that a template of the API's own names.
    init(image asked: SandboxSpec, name: String) {
        kind = .template
        self.name = name
        let pods = PodTemplateSpec.with {
            $0.spec.containers = [
                .with {
                    $0.name = "sandbox"
                    $0.image = asked.image
                    $0.command = asked.entrypoint
                    // What is no quantity was refused when it was read.
                    let limits = asked.resourceLimits.compactMapValues { Quantity($0) }
                    if !limits.isEmpty { $0.resources = .with { $0.limits = limits } }
                }
            ]
            $0.spec.automountServiceAccountToken = false
        }
        spec = .with { $0.template = RawJSON(pods) }
    }

    private static func spec(of template: KruiseSandboxTemplate) -> KruiseSandboxSpec {
        .with {
            $0.template = template.spec.template
            $0.persistentContents = template.spec.persistentContents
            $0.runtimes = template.spec.runtimes
            $0.pauseStrategy = template.spec.pauseStrategy
            $0.volumeClaimTemplates = template.spec.volumeClaimTemplates
        }
    }
}

extension KruiseCheckpoint {
    /// What clients call it.
    var checkpointID: String {
        if let id = status?.checkpointId, !id.isEmpty { return id }
        return metadata.name
    }
}
