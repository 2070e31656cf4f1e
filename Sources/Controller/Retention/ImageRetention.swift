// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels
import SnapshotProvider
import Synchronization

import struct Foundation.Date

/// Deletes the images of pauses that sandboxes need no more, by what is written down in their annotation `stasis.dev/images`.
///
/// Who refers to images is asked once for all sandboxes, and not more often than every few seconds: it takes lists of the whole
/// cluster. So this has a queue of its own with one key, and no pause waits for it.
struct ImageRetention<Sandbox: MachineObject>: Sendable {
    /// The one key.
    static var key: ObjectKey { ObjectKey(namespace: nil, name: "images") }
    /// Seconds between two lists.
    private static var pause: Double { 5 }
    /// How many registries are asked at a time.
    private static var width: Int { 4 }

    let sandboxes: Informer<Sandbox>
    let client: KubeClient
    let deletion: ImageDeletion
    let settings: SandboxControllerSettings
    let recorder: EventRecorder
    let logger: Logger
    let agenda = Agenda()
    let versions = WrittenVersions()
    var now: @Sendable () -> Date = { Date() }

    /// What is to be looked at when. It is a cache: at the start everything is looked at.
    final class Agenda: Sendable {
        private struct State {
            var times: [ObjectKey: Date] = [:]
            var lastList: Date?
        }

        private let state = Mutex(State())

        func look(at key: ObjectKey, at time: Date = .distantPast) { state.withLock { $0.times[key] = time } }

        /// The keys whose time has come; they are not told again.
        func take(at now: Date) -> [ObjectKey] {
            state.withLock { state in
                let keys = state.times.filter { $0.value <= now }.map(\.key)
                for key in keys { state.times[key] = nil }
                return keys
            }
        }

        /// Seconds until the next time.
        func delay(at now: Date) -> Double? {
            state.withLock { state in state.times.values.min().map { max(0, $0.timeIntervalSince(now)) } }
        }

        /// Seconds to wait before the next list; 0 for now, which is noted.
        func delayOfList(at now: Date) -> Double {
            state.withLock { state in
                if let last = state.lastList {
                    let passed = now.timeIntervalSince(last)
                    if passed >= 0, passed < ImageRetention.pause { return ImageRetention.pause - passed }
                }
                state.lastList = now
                return 0
            }
        }
    }

    /// A sandbox with images to delete.
    private struct Due {
        var sandbox: Sandbox
        var history: ArtifactHistory
        var entries: [ArtifactHistory.Entry]

        var owner: String { sandbox.metadata.uid ?? "" }
    }

    /// What looks at the sandboxes, as soon as something is written down of images.
    func controller(name: String = "retention", metrics: (any MetricsFactory)?) -> Controller<ObjectKey> {
        Controller(name: name, metrics: metrics, logger: logger) { _ in try await pass() }
            .watching(sandboxes) { note($0.object) }
    }

    /// A sandbox has changed.
    func note(_ sandbox: Sandbox) -> [ObjectKey] {
        guard sandbox.metadata.annotations[OpenSandbox.Annotation.images] != nil else { return [] }
        agenda.look(at: sandbox.key)
        return [Self.key]
    }

    /// Deletes what is to be deleted now.
    ///
    /// - Throws: What the API server did not do; it is tried again later.
    func pass() async throws -> Reconciliation {
        let now = now()
        let keys = agenda.take(at: now)
        let due = keys.compactMap { images(toDeleteOf: $0, at: now) }
        if !due.isEmpty {
            let delay = agenda.delayOfList(at: now)
            guard delay <= 0 else {
                for item in due { agenda.look(at: item.sandbox.key) }
                return .requeue(after: .seconds(delay))
            }
            do {
                try await delete(due)
            } catch {
                for item in due { agenda.look(at: item.sandbox.key) }
                throw error
            }
        }
        return agenda.delay(at: self.now()).map { .requeue(after: .seconds($0)) } ?? .done
    }

    /// What of a sandbox is to be deleted now; when something will be is noted.
    private func images(toDeleteOf key: ObjectKey, at now: Date) -> Due? {
        guard let sandbox = sandboxes.store[key] else {
            versions.forget(key)
            return nil
        }
        guard !versions.isBehind(sandbox), let state = try? MachineState(of: sandbox),
            settings.tracksImages(of: sandbox)
        else { return nil }
        let unneeded = state.images.unneeded(
            by: state.record,
            keeping: settings.retention.generations,
            deletesRemoved: sandbox.deletePolicy(else: settings.snapshotDeletePolicy) == .delete
        )
        let entries = unneeded.filter { ($0.nextTry ?? .distantPast) <= now }
        if let next = unneeded.compactMap(\.nextTry).filter({ $0 > now }).min() { agenda.look(at: key, at: next) }
        return entries.isEmpty ? nil : Due(sandbox: sandbox, history: state.images, entries: entries)
    }

    private func delete(_ due: [Due]) async throws {
        let questions = due.flatMap { due in
            due.entries.map { ClusterReferences.Question(artifact: $0.artifact, owner: due.owner) }
        }
        let answer: Result<ClusterReferences.Answer, SnapshotFailure>
        do {
            answer = .success(try await deletion.references.answer(questions))
        } catch let failure as SnapshotFailure {
            answer = .failure(failure)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var waiting = due.makeIterator()
            let next = { (group: inout ThrowingTaskGroup<Void, any Error>) in
                guard let item = waiting.next() else { return }
                group.addTask { try await delete(item, answer) }
            }
            for _ in 0..<Self.width { next(&group) }
            while try await group.next() != nil { next(&group) }
        }
    }

    /// Deletes what is to be deleted of one sandbox, writes down what came of it, and tells it.
    private func delete(
        _ due: Due,
        _ answer: Result<ClusterReferences.Answer, SnapshotFailure>
    ) async throws {
        var history = due.history
        var news: [ArtifactHistory.News] = []
        var tried: [(outcome: ArtifactHistory.Outcome, artifact: Artifact)] = []
        let namespace = due.sandbox.metadata.namespace ?? "default"
        for entry in due.entries {
            try Task.checkCancellation()
            let outcome: ArtifactHistory.Outcome?
            switch answer {
            case .success(let answer): outcome = await deletion.delete(entry.artifact, answer, in: namespace)
            case .failure(let failure): outcome = .refused(failure.problem)
            }
            guard let outcome else {
                // The provider is still at it.
                agenda.look(at: due.sandbox.key, at: now().addingTimeInterval(Self.pause))
                continue
            }
            tried.append((outcome, entry.artifact))
            news += history.settle(
                entry,
                outcome,
                settings.retention,
                isLast: due.sandbox.metadata.deletionTimestamp != nil,
                at: now()
            )
        }
        guard history != due.history else { return }
        let change = MergePatch(["metadata": ["annotations": [OpenSandbox.Annotation.images: .string(history.text)]]])
            .requiring(resourceVersion: due.sandbox.metadata.resourceVersion ?? "")
        do {
            let written = try await client.resource(Sandbox.self, in: .named(namespace))
                .patch(due.sandbox.metadata.name, .merge(change))
            versions.note(written)
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            // Its watch tells of the newer one, and what is gone already is found to be gone.
            return
        }
        for (outcome, artifact) in tried { deletion.metrics.tried(outcome, of: artifact) }
        for item in news { tell(item, of: due.sandbox) }
    }

    private func tell(_ news: ArtifactHistory.News, of sandbox: Sandbox) {
        switch news {
        case .deleted(let artifact):
            recorder.record(
                .normal,
                about: sandbox,
                reason: "ImagesDeleted",
                "Deleted from the registry, as they are needed no more: \(artifact.images)."
            )
        case .retained(let artifact, let holder):
            recorder.record(
                .normal,
                about: sandbox,
                reason: "ImagesRetained",
                "They are needed no more by this sandbox but stay in the registry, because \(holder) refers to them: "
                    + "\(artifact.images)."
            )
        case .refused(let artifact, let problem), .abandoned(let artifact, let problem):
            recorder.record(
                .warning,
                about: sandbox,
                reason: "ImagesNotDeleted",
                "They are needed no more and stay in the registry: \(artifact.images). "
                    + "\(problem.reason): \(problem.message)"
            )
        }
    }
}

extension Artifact {
    /// Its images, for people.
    fileprivate var images: String { parts.map { "\($0.reference)@\($0.digest)" }.joined(separator: ", ") }
}
