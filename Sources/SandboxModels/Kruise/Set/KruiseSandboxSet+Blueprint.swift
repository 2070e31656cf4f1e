// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import KubeModels

import struct Foundation.Data

extension KruiseSandboxSet {
    /// What its sandboxes are made from: its own template, or the one that it names with what it says itself.
    ///
    /// - Parameter named: The `SandboxTemplate` that it names.
    /// - Throws: `KruiseSetProblem` if it cannot be.
    public func blueprint(_ named: KruiseSandboxTemplate?) throws(KruiseSetProblem) -> KruiseSandboxTemplateSpec {
        var blueprint = KruiseSandboxTemplateSpec()
        switch (spec.templateRef, spec.template) {
        case (nil, nil): throw .noTemplate
        case (_?, _?): throw .twoTemplates
        case (let reference?, nil):
            guard let named else { throw .templateNotFound(reference.name) }
            blueprint = named.spec
        case (nil, let template?): blueprint.template = template
        }
        if !spec.volumeClaimTemplates.isEmpty { blueprint.volumeClaimTemplates = spec.volumeClaimTemplates }
        if !spec.persistentContents.isEmpty { blueprint.persistentContents = spec.persistentContents }
        if !spec.runtimes.isEmpty { blueprint.runtimes = spec.runtimes }
        blueprint.pauseStrategy = spec.pauseStrategy ?? (spec.templateRef == nil ? nil : blueprint.pauseStrategy)
        let template: PodTemplateSpec?
        do {
            template = try blueprint.podTemplate()
        } catch {
            throw .brokenTemplate("\(error)")
        }
        guard let template else { throw .noTemplate }
        let metadata = template.metadata ?? ObjectMeta()
        let keys = Array(metadata.labels.keys) + Array(metadata.annotations.keys)
        if let key = keys.filter({ $0.hasPrefix("e2b.agents.kruise.io/") }).min() { throw .reservedKey(key) }
        return blueprint
    }

    /// A sandbox for the set. The API server finds a name for it.
    ///
    /// - Throws: `JSONError` if the template is none.
    public func newSandbox(_ blueprint: KruiseSandboxTemplateSpec, revision: String) throws(JSONError) -> KruiseSandbox
    {
        var sandbox = try unownedSandbox(blueprint, revision: revision)
        sandbox.metadata.generateName = "\(metadata.name)-"
        sandbox.metadata.labels[Kruise.Label.sandboxPool] = metadata.name
        sandbox.metadata.labels[Kruise.Label.sandboxClaimed] = "false"
        sandbox.metadata.ownerReferences = [controllerReference()]
        return sandbox
    }

    /// A sandbox as the set has them, but not of the set and without a name: for whoever finds none there.
    ///
    /// - Throws: `JSONError` if the template is none.
    public func unownedSandbox(_ blueprint: KruiseSandboxTemplateSpec, revision: String) throws(JSONError)
        -> KruiseSandbox
    {
        var sandbox = try KruiseSandbox(from: blueprint)
        sandbox.metadata.namespace = metadata.namespace
        sandbox.metadata.labels[Kruise.Label.sandboxTemplate] = spec.templateRef?.name ?? metadata.name
        sandbox.metadata.labels[Kruise.Label.templateHash] = revision
        // As upstream's own defaults say.
        if var template = try sandbox.spec.podTemplate(), template.spec.automountServiceAccountToken == nil {
            template.spec.automountServiceAccountToken = false
            sandbox.spec.template = RawJSON(template)
        }
        return sandbox
    }

    /// The `SandboxTemplate` that keeps a revision of its own template.
    public func materialised(_ blueprint: KruiseSandboxTemplateSpec, revision: String) -> KruiseSandboxTemplate {
        .with {
            $0.metadata.name = "\(metadata.name)-\(revision)"
            $0.metadata.namespace = metadata.namespace
            $0.metadata.labels = [Kruise.Label.sandboxPool: metadata.name, Kruise.Label.templateHash: revision]
            $0.metadata.ownerReferences = [controllerReference(blockOwnerDeletion: false)]
            $0.spec = blueprint
        }
    }

    /// The labels of its sandboxes that nobody has claimed, for the scale subresource.
    public var selector: String { "\(Kruise.Label.sandboxClaimed)=false,\(Kruise.Label.sandboxPool)=\(metadata.name)" }
}

extension KruiseSandbox {
    /// A sandbox that is made from a template, without a name.
    ///
    /// It has the labels and annotations of the template, without those that are kept for the controllers.
    ///
    /// - Throws: `JSONError` if the template is none.
    public init(from template: KruiseSandboxTemplateSpec) throws(JSONError) {
        self.init()
        spec.template = template.template
        spec.volumeClaimTemplates = template.volumeClaimTemplates
        spec.persistentContents = template.persistentContents
        spec.runtimes = template.runtimes
        spec.pauseStrategy = template.pauseStrategy
        guard let found = try template.podTemplate()?.metadata else { return }
        metadata.labels = found.labels.filter { !Kruise.isReserved($0.key) }
        metadata.annotations = found.annotations.filter { !Kruise.isReserved($0.key) || Self.kept.contains($0.key) }
    }

    private static let kept: Set<String> = [
        "agents.kruise.io/cleanup-enabled", "agents.kruise.io/cleanup-retain-on-failure",
    ]
}

extension KruiseSandboxTemplateSpec {
    /// Names it: the beginning of a SHA-256 of it, in ten hexadecimal digits. Those that differ in nothing but the order of their
    /// members have the same one.
    ///
    /// - Throws: `JSONError` if something of it is no JSON.
    public func revision() throws(JSONError) -> String {
        let value = try JSONValue(encoding: self)
        let digits = SHA256.hash(data: Data(value.jsonText.utf8)).prefix(5).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        return digits.joined()
    }
}

/// Why a set can have no sandboxes made.
public enum KruiseSetProblem: Error, Sendable, Hashable {
    /// It has no template and names none.
    case noTemplate
    /// It has a template and names one.
    case twoTemplates
    /// There is no template of the name.
    case templateNotFound(String)
    /// The template is none, and why.
    case brokenTemplate(String)
    /// The template has a key that users may not use.
    case reservedKey(String)

    /// In one CamelCase word.
    public var reason: String {
        switch self {
        case .templateNotFound: "TemplateNotFound"
        case .noTemplate, .twoTemplates, .brokenTemplate, .reservedKey: "InvalidTemplate"
        }
    }

    /// In a sentence that says what to do.
    public var message: String {
        switch self {
        case .noTemplate: "There is nothing to make sandboxes from: give spec.template or spec.templateRef."
        case .twoTemplates: "Both spec.template and spec.templateRef are given: keep one of them."
        case .templateNotFound(let name):
            "There is no SandboxTemplate \(name) in this namespace: create it, or correct spec.templateRef."
        case .brokenTemplate(let why): "The template of its pods cannot be read: \(why)."
        case .reservedKey(let key):
            "The template of its pods has the key \(key), which is kept for the controllers: take it away."
        }
    }
}
