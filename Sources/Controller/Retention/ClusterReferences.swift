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
                for sandbox in page.items { Self.look(at: sandbox, questions, &answer) }
            }
            for try await page in client.resource(Pod.self, in: .all).pages() {
                for pod in page.items { Self.look(at: pod, questions, &answer) }
            }
            do {
                for try await page in client.resource(Pool.self, in: .all).pages() {
                    for pool in page.items { Self.look(at: pool, questions, &answer) }
                }
            } catch let error as KubeError where error.isNotFound || error.kind == .notServed {
                // There are no pools in this cluster.
            }
        } catch let error as KubeError where error.kind == .forbidden {
            throw SnapshotFailure(
                "ReferencesUnknown",
                "It cannot be known whether something refers to the images, because the controller may not list pods, "
                    + "batchsandboxes, sandboxsnapshots and pools of all namespaces: bind its ClusterRole with a "
                    + "ClusterRoleBinding, or keep all images (\(error))."
            )
        }
        return answer
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

    private static func look(at sandbox: BatchSandbox, _ questions: [Question], _ answer: inout Answer) {
        let spec = sandbox.spec.jsonText
        // What the machine has written down of others; tags in there are theirs, and may be called the same.
        let notes = sandbox.metadata.annotations.values
        for question in questions {
            for part in question.artifact.parts
            where part.isNamed(in: spec)
                || question.owner != sandbox.metadata.uid && notes.contains(where: { $0.contains(part.digest) })
            {
                answer.add(
                    part.digest,
                    by: .sandbox(sandbox.metadata.uid ?? ""),
                    named: "BatchSandbox \(sandbox.key)"
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
