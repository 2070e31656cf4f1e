// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeClient
import KubeModels
import KubeRuntime
public import SandboxModels

import struct Foundation.Date

/// What sandboxes are made from.
extension KruiseRuntime {
    /// What sandboxes can be created from by name: the sets, and the templates that belong to nothing else.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable`.
    public func templates() async throws -> [SandboxTemplateSummary] {
        try await objects.waitUntilSynced()
        let sets = setInformer.store.objects
        let names = Set(sets.map(\.metadata.name))
        let templates = templateInformer.store.objects.filter {
            $0.metadata.ownerReferences.isEmpty && !names.contains($0.metadata.name)
        }
        let all =
            sets.map { summary($0.metadata, template(of: SandboxOrigin($0).spec)) }
            + templates.map { summary($0.metadata, try? $0.spec.podTemplate()) }
        return all.sorted { $0.name < $1.name }
    }

    private func summary(_ metadata: ObjectMeta, _ template: PodTemplateSpec?) -> SandboxTemplateSummary {
        SandboxTemplateSummary(
            name: metadata.name,
            team: configuration.namespace,
            resourceLimits: template?.spec.containers.first?.quantities ?? [:],
            createdAt: metadata.creationTimestamp?.date ?? Date(timeIntervalSince1970: 0),
            isLeaving: metadata.deletionTimestamp != nil
        )
    }

    /// The template of pods that a spec has, or refers to; nil if it is not known.
    func template(of spec: KruiseSandboxSpec) -> PodTemplateSpec? {
        // What is no template says nothing.
        if spec.template != nil { return (try? spec.podTemplate()) ?? nil }
        return referred(by: spec).flatMap { (try? $0.spec.podTemplate()) ?? nil }
    }

    /// The template that a spec refers to, if it is known.
    func referred(by spec: KruiseSandboxSpec) -> KruiseSandboxTemplate? {
        guard let name = spec.templateRef?.name else { return nil }
        return templateInformer.store[configuration.namespace, name]
    }

    /// What a name stands for: a set before a template, and that before a checkpoint. What no watch has told of yet, because it
    /// was made a moment ago, is looked up.
    ///
    /// - Throws: `SandboxError` with `templateNotFound`, `snapshotNotReady` or `runtimeUnavailable`.
    func origin(_ name: String) async throws -> SandboxOrigin {
        if let set = setInformer.store[configuration.namespace, name], set.metadata.deletionTimestamp == nil {
            return SandboxOrigin(set)
        }
        if let template = templateInformer.store[configuration.namespace, name],
            checkpointInformer.store[configuration.namespace, name] == nil
        {
            return try await origin(template)
        }
        if let checkpoint = try await checkpoint(name) { return try await origin(checkpoint) }
        guard NameRule.subdomain.allows(name) else { throw Self.noTemplate(name) }
        if let set = try await telling("look the set up", { try await setObjects.find(name) }) {
            return SandboxOrigin(set)
        }
        if let template = try await telling("look the template up", { try await templateObjects.find(name) }) {
            return try await origin(template)
        }
        throw Self.noTemplate(name)
    }

    /// A template of its own, or that of a checkpoint by another name than the checkpoint's identifier.
    private func origin(_ template: KruiseSandboxTemplate) async throws -> SandboxOrigin {
        guard template.metadata.ownerReferences.contains(where: { $0.kind == KruiseCheckpoint.resourceType.kind })
        else {
            return SandboxOrigin(template)
        }
        guard let checkpoint = try await checkpoint(template.metadata.name) else {
            throw Self.noTemplate(template.metadata.name)
        }
        return try await origin(checkpoint)
    }

    /// A checkpoint, if it can be cloned.
    private func origin(_ checkpoint: KruiseCheckpoint) async throws -> SandboxOrigin {
        let name = checkpoint.metadata.name
        let snapshot = Snapshot(checkpoint)
        guard snapshot.status.state == .ready else {
            throw SandboxError(
                .snapshotNotReady,
                "The snapshot '\(snapshot.id)' is \(snapshot.status.state.rawValue), not Ready."
            )
        }
        let known = templateInformer.store[configuration.namespace, name]
        let template =
            if let known { known } else {
                try await telling("look the template up") { try await templateObjects.find(name) }
            }
        guard let template else {
            throw SandboxError(
                .snapshotNotReady,
                "The snapshot '\(snapshot.id)' has no SandboxTemplate '\(name)' yet, or any more, to create a sandbox from."
            )
        }
        return SandboxOrigin(checkpoint, template)
    }

    static func noTemplate(_ name: String) -> SandboxError {
        SandboxError(.templateNotFound, "There is no template and no snapshot '\(name)' to create a sandbox from.")
    }
}
