// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What a sandbox is made from, of its own or by reference.
extension KruiseSandboxSpec {
    /// The name of the `SandboxTemplate` that has to be looked up to know what it is made from; nil if it says that itself.
    ///
    /// - Throws: `KruiseTemplateError` if it refers to something else than a `SandboxTemplate`, or to nothing.
    public func referencedTemplate() throws(KruiseTemplateError) -> String? {
        // Its own is what whoever wrote both wanted of this one.
        if template != nil { return nil }
        guard let templateRef, !templateRef.name.isEmpty else { throw .missing }
        let type = KruiseSandboxTemplate.resourceType
        guard (templateRef.kind ?? "").isEmpty || templateRef.kind == type.kind,
            (templateRef.apiVersion ?? "").isEmpty || templateRef.apiVersion == type.apiVersion
        else { throw .unknownKind(templateRef) }
        return templateRef.name
    }

    /// What it is made from, as a template says it. What it says itself counts more than what the template says that it refers to.
    ///
    /// - Parameter referenced: The template of the name `referencedTemplate()`; nil if it has none or there is none.
    /// - Throws: `KruiseTemplateError` if there is no template of pods, or it is none.
    public func resolvedTemplate(
        from referenced: KruiseSandboxTemplateSpec?
    ) throws(KruiseTemplateError) -> KruiseSandboxTemplateSpec {
        var resolved = referenced ?? KruiseSandboxTemplateSpec()
        if let template { resolved.template = template }
        if !volumeClaimTemplates.isEmpty { resolved.volumeClaimTemplates = volumeClaimTemplates }
        if !persistentContents.isEmpty { resolved.persistentContents = persistentContents }
        if !runtimes.isEmpty { resolved.runtimes = runtimes }
        if let pauseStrategy { resolved.pauseStrategy = pauseStrategy }
        let pods: PodTemplateSpec?
        do {
            pods = try resolved.podTemplate()
        } catch {
            throw .malformed(error)
        }
        guard pods == nil else { return resolved }
        guard let name = try referencedTemplate() else { throw .missing }
        throw .notFound(name)
    }
}

/// Why it is not known what a sandbox is made from.
public enum KruiseTemplateError: Error, Sendable, Hashable {
    /// It says nothing about it.
    case missing
    /// It refers to something that is no `SandboxTemplate`.
    case unknownKind(KruiseTemplateReference)
    /// There is no `SandboxTemplate` of the name, or it has no template of pods.
    case notFound(String)
    /// The template is none of pods.
    case malformed(JSONError)
}

extension KruiseTemplateError: CustomStringConvertible {
    /// What is wrong with which field, and what to do.
    public var description: String {
        switch self {
        case .missing: "spec.template is missing; give one, or name a SandboxTemplate in spec.templateRef"
        case .unknownKind(let reference):
            "spec.templateRef names a \(reference.apiVersion ?? "") \(reference.kind ?? ""); only "
                + "\(KruiseSandboxTemplate.resourceType.apiVersion) \(KruiseSandboxTemplate.resourceType.kind) can be named there"
        case .notFound(let name):
            "spec.templateRef names the SandboxTemplate \(name), which is not in this namespace or has no spec.template; create it there"
        case .malformed(let error): "spec.template is no template of pods: \(error)"
        }
    }
}
