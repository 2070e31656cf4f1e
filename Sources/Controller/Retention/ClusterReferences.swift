// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels
import SnapshotProvider

/// Who in the cluster refers to images, in all namespaces, whatever the controller works in: asked of the API server, because what a
/// cache does not show yet may have been created just now.
struct ClusterReferences: Sendable {
    let client: KubeClient
    /// Whether the kinds of the Kruise dialect are looked at, because the controller works on them.
    var includesKruise = false
    /// In which version the kinds of the AgentSandbox dialect are looked at; nil if the controller does not work on it.
    var agentSandboxVersion: AgentSandboxes.Version?

    /// An artifact of which somebody wants to know who else refers to it.
    struct Question: Hashable {
        var artifact: Artifact
        /// The UID of the object that gives it up. Of a BatchSandbox its spec counts all the same: what it is to be made of.
        var owner: String
    }

    /// Who refers to what.
    struct Answer: Sendable {
        var references = ArtifactReferences()
        /// What people call them, by digest.
        private(set) var names: [String: String] = [:]

        fileprivate mutating func add(_ digest: String, by holder: ArtifactReferences.Holder, named name: String) {
            references.add([digest], by: holder)
            names[digest] = names[digest] ?? name
        }

        /// What people call the one that refers to a part of an artifact; nil if nobody does.
        func holder(of artifact: Artifact) -> String? { artifact.parts.lazy.compactMap { names[$0.digest] }.first }
    }

    /// - Throws: `SnapshotFailure` if the controller may not look everywhere: nothing may be deleted then; what the API server did not
    ///   do.
    func answer(_ questions: [Question]) async throws -> Answer {
        var answer = Answer()
        do {
            for try await page in client.resource(SandboxSnapshot.self, in: .all).pages() {
                for snapshot in page.items { Self.look(at: snapshot, questions, &answer) }
            }
            for try await page in client.resource(BatchSandbox.self, in: .all).pages() {
                for sandbox in page.items { Self.look(at: sandbox, spec: sandbox.spec.jsonText, questions, &answer) }
            }
            if includesKruise { try await lookAtKruise(questions, &answer) }
            switch agentSandboxVersion {
            case .v1beta1?: try await lookAtAgentSandboxes(AgentSandboxV1Beta1.self, questions, &answer)
            case .v1alpha1?: try await lookAtAgentSandboxes(AgentSandboxV1Alpha1.self, questions, &answer)
            case nil: break
            }
            for try await page in client.resource(Pod.self, in: .all).pages() {
                for pod in page.items { Self.look(at: pod, questions, &answer) }
            }
            try await whereServed {
                for try await page in client.resource(Pool.self, in: .all).pages() {
                    for pool in page.items { Self.look(at: pool, questions, &answer) }
                }
            }
        } catch let error as KubeError where error.kind == .forbidden {
            throw SnapshotFailure(
                "ReferencesUnknown",
                "It cannot be known whether something refers to the images, because the controller may not list pods, "
                    + "batchsandboxes, sandboxsnapshots and pools\(includesKruise ? ", and the kinds of \(Kruise.group)," : "")"
                    + "\(agentSandboxVersion == nil ? "" : ", and the sandboxes and sandboxtemplates of agent-sandbox,") of all "
                    + "namespaces: bind its ClusterRole with a ClusterRoleBinding, or keep all images (\(error))."
            )
        }
        return answer
    }

    /// Kinds that a cluster need not have.
    private func whereServed(_ look: () async throws -> Void) async throws {
        do {
            try await look()
        } catch let error as KubeError where error.isNotFound || error.kind == .notServed {
            // There are none in this cluster.
        }
    }

    /// What others of the Kruise dialect are made from: a copy of a template has the images that were captured. Templates come before
    /// what is made from them, and that before its pods, so that what is copied meanwhile is seen in one of the two.
    private func lookAtKruise(_ questions: [Question], _ answer: inout Answer) async throws {
        for try await page in client.resource(KruiseSandboxTemplate.self, in: .all).pages() {
            for template in page.items {
                // That of a checkpoint goes with it.
                let owners = template.metadata.ownerReferences.map(\.uid)
                let others = questions.filter { !owners.contains($0.owner) }
                Self.look(at: template, spec: template.spec.jsonText, others, &answer, as: { .pool($0) })
            }
        }
        for try await page in client.resource(KruiseSandboxSet.self, in: .all).pages() {
            for set in page.items { Self.look(at: set, spec: set.spec.jsonText, questions, &answer, as: { .pool($0) }) }
        }
        for try await page in client.resource(KruiseSandbox.self, in: .all).pages() {
            for sandbox in page.items { Self.look(at: sandbox, spec: sandbox.spec.jsonText, questions, &answer) }
        }
    }

    /// The same of the AgentSandbox dialect. A cluster need not have its templates.
    private func lookAtAgentSandboxes<Version: AgentSandboxVersion>(
        _ version: Version.Type,
        _ questions: [Question],
        _ answer: inout Answer
    ) async throws {
        try await whereServed {
            for try await page in client.resource(AgentSandboxTemplate<Version>.self, in: .all).pages() {
                for template in page.items {
                    let spec = template.spec?.text ?? ""
                    Self.look(at: template, spec: spec, questions, &answer, as: { .pool($0) })
                }
            }
        }
        for try await page in client.resource(AgentSandbox<Version>.self, in: .all).pages() {
            for sandbox in page.items { Self.look(at: sandbox, spec: sandbox.spec.jsonText, questions, &answer) }
        }
    }

    // MARK: - What refers to what

    private static func look(at snapshot: SandboxSnapshot, _ questions: [Question], _ answer: inout Answer) {
        guard snapshot.metadata.deletionTimestamp == nil else { return }
        // That of a pause goes with its sandbox.
        let owners = [snapshot.metadata.uid] + snapshot.metadata.ownerReferences.map(\.uid)
        for question in questions where !owners.contains(question.owner) {
            for part in question.artifact.parts
            where snapshot.status?.containers.contains(where: { $0.imageDigest == part.digest }) == true {
                answer.add(
                    part.digest,
                    by: .snapshot(snapshot.metadata.uid ?? ""),
                    named: "SandboxSnapshot \(snapshot.key)"
                )
            }
        }
    }

    /// - Parameters:
    ///   - spec: What it is made from, or is to be.
    ///   - holder: What it is to those who delete, by its UID.
    private static func look(
        at object: some KubeResource,
        spec: String,
        _ questions: [Question],
        _ answer: inout Answer,
        as holder: (String) -> ArtifactReferences.Holder = { .sandbox($0) }
    ) {
        // What the machine has written down of others; tags in there are theirs, and may be called the same.
        let notes = object.metadata.annotations.values
        for question in questions {
            for part in question.artifact.parts
            where part.isNamed(in: spec)
                || question.owner != object.metadata.uid && notes.contains(where: { $0.contains(part.digest) })
            {
                answer.add(
                    part.digest,
                    by: holder(object.metadata.uid ?? ""),
                    named: "\(type(of: object).resourceType.kind) \(object.key)"
                )
            }
        }
    }

    private static func look(at pod: Pod, _ questions: [Question], _ answer: inout Answer) {
        let images =
            (pod.spec.initContainers + pod.spec.containers).compactMap(\.image)
            + (pod.status.map { $0.initContainerStatuses + $0.containerStatuses + $0.ephemeralContainerStatuses } ?? [])
            .flatMap { [$0.image, $0.imageID] }
        for question in questions {
            for part in question.artifact.parts where images.contains(where: part.isNamed(in:)) {
                answer.add(part.digest, by: .compute(pod.metadata.uid ?? ""), named: "Pod \(pod.key)")
            }
        }
    }

    private static func look(at pool: Pool, _ questions: [Question], _ answer: inout Answer) {
        let spec = pool.spec.jsonText
        for question in questions {
            for part in question.artifact.parts where part.isNamed(in: spec) {
                answer.add(part.digest, by: .pool(pool.metadata.uid ?? ""), named: "Pool \(pool.key)")
            }
        }
    }
}

extension Artifact.Part {
    /// Whether a text has its digest, or its whole tag.
    func isNamed(in text: String) -> Bool {
        if text.contains(digest) { return true }
        return text.ranges(of: reference).contains { range in
            // `snap-gen1` is not `snap-gen12`.
            guard range.upperBound < text.endIndex else { return true }
            let next = text[range.upperBound]
            return !(next.isLetter || next.isNumber || "_.-".contains(next))
        }
    }
}
