// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

private import Crypto
public import KubeModels

/// The pod of a `KruiseSandbox`, and the claims that it mounts.
extension KruiseSandbox {
    /// All that its pod is made from and its pauses keep: what it says itself, and for the rest what its template says.
    ///
    /// - Parameter template: The one that `spec.templateRef` names, if it names one.
    public func specification(with template: KruiseSandboxTemplate?) -> KruiseSandboxTemplateSpec {
        var whole = template?.spec ?? KruiseSandboxTemplateSpec()
        if let own = spec.template { whole.template = own }
        if !spec.volumeClaimTemplates.isEmpty { whole.volumeClaimTemplates = spec.volumeClaimTemplates }
        if !spec.persistentContents.isEmpty { whole.persistentContents = spec.persistentContents }
        if !spec.runtimes.isEmpty { whole.runtimes = spec.runtimes }
        if let own = spec.pauseStrategy { whole.pauseStrategy = own }
        return whole
    }

    /// Its pod. Whatever the template says, the pod's name, its namespace, its owner and the labels that it is found by stay what
    /// they are.
    ///
    /// - Parameters:
    ///   - whole: What it is made from.
    ///   - labels: Further ones, which others had given to an earlier pod.
    /// - Throws: `KruisePodError`.
    public func pod(from whole: KruiseSandboxTemplateSpec, keeping labels: [String: String] = [:])
        throws(KruisePodError)
        -> Pod
    {
        let found: PodTemplateSpec?
        do {
            found = try whole.podTemplate()
        } catch {
            throw .template(error)
        }
        guard let template = found else { throw .missing }
        var pod = Pod()
        pod.metadata.labels = (template.metadata?.labels ?? [:]).merging(labels) { own, _ in own }
        pod.metadata.annotations = template.metadata?.annotations ?? [:]
        pod.metadata.finalizers = template.metadata?.finalizers ?? []
        pod.spec = template.spec
        pod.metadata.name = metadata.name
        pod.metadata.namespace = metadata.namespace
        pod.metadata.labels[Kruise.Label.sandboxName] = metadata.labelValue
        pod.metadata.labels[Kruise.Label.createdBy] = Kruise.createdBySandbox
        pod.metadata.ownerReferences = [controllerReference()]
        for claim in try claims(from: whole) {
            let volume = Volume.with {
                $0.name = claim.template
                $0.persistentVolumeClaim = .with { $0.claimName = claim.claim.metadata.name }
            }
            pod.spec.volumes.removeAll { $0.name == volume.name }
            pod.spec.volumes.append(volume)
        }
        return pod
    }

    /// The claims that its pod mounts, each with the name of its template: `<template>-<sandbox>`, owned by the sandbox, so that they
    /// outlive its pods and go with it.
    ///
    /// - Throws: `KruisePodError`.
    public func claims(from whole: KruiseSandboxTemplateSpec) throws(KruisePodError) -> [(
        template: String, claim: PersistentVolumeClaim
    )] {
        var claims: [(template: String, claim: PersistentVolumeClaim)] = []
        for (index, text) in whole.volumeClaimTemplates.enumerated() {
            var claim: PersistentVolumeClaim
            do {
                claim = try text.decoded()
            } catch {
                throw .claim(index: index, error)
            }
            let name = claim.metadata.name
            guard !name.isEmpty else { throw .claim(index: index, JSONError("has no metadata.name")) }
            claim.metadata = .with {
                $0.name = "\(name)-\(metadata.name)"
                $0.namespace = metadata.namespace
                $0.labels = claim.metadata.labels
                $0.annotations = claim.metadata.annotations
                $0.ownerReferences = [controllerReference()]
            }
            claim.status = nil
            if claim.spec.accessModes.isEmpty { claim.spec.accessModes = ["ReadWriteOnce"] }
            claims.append((name, claim))
        }
        return claims
    }

    /// A name for what its pods are made from, which another template does not have.
    public func revision(of whole: KruiseSandboxTemplateSpec) -> String {
        var parts = KruiseSandboxTemplateSpec()
        parts.template = whole.template
        parts.volumeClaimTemplates = whole.volumeClaimTemplates
        return String(SHA256.hexadecimal(ofMembers: parts).prefix(10))
    }
}

extension Kruise {
    /// The value of `Label.createdBy`.
    public static let createdBySandbox = "sandbox"
}

extension ObjectMeta {
    /// The name as the value of a label, of at most 63 characters.
    fileprivate var labelValue: String { SandboxSnapshot.with { $0.metadata.name = name }.labelValue }
}

/// Why no pod of a `KruiseSandbox` can be made.
public enum KruisePodError: Error, Sendable, Hashable {
    /// There is no template.
    case missing
    /// The template is none.
    case template(JSONError)
    /// The template of a claim is none.
    case claim(index: Int, JSONError)
}

extension KruisePodError: CustomStringConvertible {
    /// What is wrong with which field.
    public var description: String {
        switch self {
        case .missing:
            "there is no template; give one in spec.template, or name a SandboxTemplate that has one in spec.templateRef"
        case .template(let error): "the template is no template of pods: \(error)"
        case .claim(let index, let error): "volumeClaimTemplates[\(index)] is no claim: \(error)"
        }
    }
}
