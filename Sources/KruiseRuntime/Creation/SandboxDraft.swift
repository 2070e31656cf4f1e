// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// What is asked for, put together: how a sandbox of a set is taken, and how one is made.
struct SandboxDraft {
    /// What the request says.
    var spec: SandboxSpec
    /// What its metadata says.
    var parameters: CreationParameters
    /// What happens when its time is over.
    var timeout: SandboxTimeout
    /// When it is asked for.
    var now: Date
    /// Whether the end that it has is none of its own: whoever makes it takes it away afterwards.
    var isEndless = false
    /// What finds it if the request is sent again.
    var key: String?
    /// A word that nobody else uses.
    var lock: String

    /// The priority of what somebody waits for.
    private static let priority = "100"

    /// Whose it is that nobody owns.
    static let nobody = "anonymous"

    /// Takes a sandbox, if it is still in the state that was looked at.
    func change(of sandbox: KruiseSandbox, from origin: SandboxOrigin) throws -> MergePatch {
        try MergePatch(from: sandbox, to: taken(sandbox, from: origin))
            .requiring(resourceVersion: sandbox.metadata.resourceVersion ?? "")
    }

    private func taking(from origin: SandboxOrigin) -> KruiseTaking {
        var taking = KruiseTaking(owner: spec.owner ?? Self.nobody, lock: lock, time: now)
        taking.labels = parameters.labels
        if NameRule.labelValue.allows(origin.name) { taking.labels[Kruise.Label.sandboxTemplate] = origin.name }
        taking.annotations = parameters.annotations
        taking.annotations[Kruise.Annotation.sandboxPriority] = Self.priority
        taking.annotations[Kruise.Annotation.reservePausedSandboxDuration] = retentionText
        taking.annotations[Kruise.Annotation.runtimeAccessToken] = spec.access?.token
        taking.annotations[Kruise.Annotation.initRuntimeRequest] = initRequest ?? origin.initRequest
        taking.annotations[Kruise.Annotation.skipsRuntime] = parameters.skipsInitialization ? "true" : nil
        if case .checkpoint(let id) = origin.kind { taking.annotations[Kruise.Annotation.restoreFrom] = id }
        (taking.shutdownTime, taking.pauseTime) = timeout.spelled
        return taking
    }

    /// A new sandbox.
    ///
    /// - Parameters:
    ///   - name: Of its object.
    ///   - template: The template that its spec refers to, if it does.
    /// - Throws: `SandboxError` with `invalidParameter` if the template is none, or has no container.
    func object(_ name: String, from origin: SandboxOrigin, template: KruiseSandboxTemplate?) throws -> KruiseSandbox {
        var object = KruiseSandbox()
        object.metadata.name = name
        object.spec = origin.spec
        if !changesTemplate { return try taken(object, from: origin) }
        if let template {
            // Its own from now on: what is asked for is not everybody's.
            object.spec.templateRef = nil
            object.spec.template = template.spec.template
            if object.spec.volumeClaimTemplates.isEmpty {
                object.spec.volumeClaimTemplates = template.spec.volumeClaimTemplates
            }
        }
        guard var pod = try object.spec.podTemplate(), !pod.spec.containers.isEmpty else {
            throw SandboxError(.invalidParameter, "The template '\(origin.name)' has no container.")
        }
        change(&pod.spec.containers[0])
        object.spec.template = RawJSON(pod)
        return try taken(object, from: origin)
    }

    private func taken(_ object: KruiseSandbox, from origin: SandboxOrigin) throws -> KruiseSandbox {
        var object = object
        try taking(from: origin).apply(to: &object)
        // Of no use to its pods.
        object.metadata.labels[KruiseRequest.keyLabel] = key
        object.metadata.annotations[KruiseRequest.annotation] = request.jsonText
        let generation = object.metadata.generation ?? 0
        if let wish = RequestedWish.annotation(pause: false, generation: generation) {
            object.metadata.annotations[OpenSandbox.Annotation.wish] = wish
        }
        return object
    }

    /// Whether there is something that a pod which runs already cannot be given.
    func needsOwnPod(of origin: SandboxOrigin) -> Bool {
        if parameters.needsOwnPod { return true }
        // An agent beside the containers is told of variables when it runs.
        let hasAgent = origin.spec.runtimes.contains { $0.name == KruiseRuntimeRequest.runtime }
        return !spec.environment.isEmpty && !parameters.skipsInitialization && !hasAgent
    }

    /// Whether a new sandbox's template is another one than that of its origin.
    private var changesTemplate: Bool {
        parameters.needsOwnPod || !parameters.labels.isEmpty
            || !spec.environment.isEmpty && !parameters.skipsInitialization
    }

    private func change(_ container: inout Container) {
        if let image = parameters.image { container.image = image }
        if !parameters.requests.isEmpty || !parameters.limits.isEmpty {
            var resources = container.resources ?? ResourceRequirements()
            resources.requests.merge(parameters.requests) { $1 }
            resources.limits.merge(parameters.limits) { $1 }
            container.resources = resources
        }
        guard !parameters.skipsInitialization else { return }
        container.env.removeAll { spec.environment[$0.name] != nil }
        container.env += spec.environment.sorted { $0.key < $1.key }.map { EnvVar($0.key, $0.value) }
    }

    private var retentionText: String? {
        if let retention = parameters.pausedRetention { return retention.kruise }
        guard let retention = spec.timeout?.retention, retention != .forever else { return nil }
        return retention.kruise
    }

    private var request: KruiseRequest {
        .with {
            $0.template = spec.template ?? spec.snapshotID
            $0.extensions = spec.extensions
            $0.leastAfterResume = spec.timeout.flatMap { Int(exactly: $0.leastAfterResume.rounded(.up)) }
            // One without an end has one for as long as it is made.
            if !isEndless { $0.seconds = timeout.end.flatMap(seconds) }
            $0.digest = spec.options?.requestDigest
            $0.tellsAddress = parameters.tellsAddress ? true : nil
            $0.closesAllPorts = spec.access?.closesAllPorts == true ? true : nil
        }
    }

    private func seconds(to end: Date) -> Int? { Int(exactly: end.timeIntervalSince(now).rounded()) }

    private var initRequest: String? {
        guard !spec.environment.isEmpty, !parameters.skipsInitialization else { return nil }
        let variables = spec.environment.mapValues { JSONValue.string($0) }
        return JSONValue.object(["envVars": .object(variables)]).jsonText
    }
}

extension SandboxTimeout {
    /// What the spec says, if anything.
    var spelled: (shutdownTime: SpelledTime?, pauseTime: SpelledTime?) {
        switch self {
        case .never: (nil, nil)
        case .delete(let date): (SpelledTime(date), nil)
        case .pause(let date, let deleted): (SpelledTime(deleted), SpelledTime(date))
        }
    }
}
