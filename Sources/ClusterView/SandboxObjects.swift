// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

package import KubeClient
package import KubeModels
package import KubeRuntime
package import Logging
package import SandboxModels

/// The objects of one namespace that are sandboxes: what watches and writes have told of them, and how they are written.
package struct SandboxObjects<Object: SandboxObject>: Sendable {
    /// The sandboxes that are somebody's.
    package typealias Entry = SandboxDirectory<Object>.Entry

    /// Asks the API server.
    package let client: ResourceClient<Object>
    /// What is known of those that are somebody's.
    package let directory = SandboxDirectory<Object>()
    /// What is known of all, as old as the watch.
    package let informer: Informer<Object>
    private let companions: @Sendable () async -> Bool

    /// How long a request waits for the first list of what there is.
    private static var startPatience: Duration { .seconds(10) }

    /// How often an edit is tried when others are faster. Of many at once each has its turn long before the last of these.
    private static var attempts: Int { 20 }

    /// The longest pause before an attempt that follows `attempt` others: so those that were in each other's way do not meet again.
    private static func pause(after attempt: Int) -> Duration { .milliseconds(min(4 << min(attempt, 6), 200)) }

    /// Creates them.
    ///
    /// - Parameters:
    ///   - indexes: By what else than their names all are to be found.
    ///   - companions: Returns when what belongs to them is known, too; false if the task was cancelled.
    package init(
        _ client: ResourceClient<Object>,
        indexes: [StoreIndex<Object>] = [],
        companions: @escaping @Sendable () async -> Bool = { true },
        logger: Logger
    ) {
        self.client = client
        self.companions = companions
        informer = Informer(client, indexes: indexes, logger: logger)
    }

    // MARK: Watching

    /// Watches until the task is cancelled.
    ///
    /// - Parameter heard: Told of each object when the directory knows of it, with `true` if it is gone.
    package func run(_ heard: @escaping @Sendable (Object, _ isGone: Bool) -> Void = { _, _ in }) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await informer.run() }
            group.addTask { await follow(heard) }
        }
    }

    /// Keeps the directory as the watch tells.
    private func follow(_ heard: @Sendable (Object, Bool) -> Void) async {
        guard (try? await informer.waitUntilSynced()) != nil else { return }
        // What goes from here on comes as a change.
        var changes = informer.changes.makeAsyncIterator()
        for object in informer.store.objects {
            directory.put(object)
            heard(object, false)
        }
        directory.markSynced()
        while let change = await changes.next() {
            switch change {
            case .added(let object, _), .updated(_, let object):
                directory.put(object)
                heard(object, false)
            case .deleted(let object, _):
                directory.remove(object)
                heard(object, true)
            }
        }
    }

    /// Returns when it is known what there is.
    ///
    /// - Throws: `runtimeUnavailable` if that takes long.
    package func waitUntilSynced() async throws {
        if directory.isSynced { return }
        let patience = Self.startPatience
        let isSynced = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                guard await companions() else { return false }
                return await directory.waitUntilSynced()
            }
            group.addTask {
                _ = try? await Task.sleep(for: patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        guard isSynced else {
            try Task.checkCancellation()
            throw SandboxError(
                .runtimeUnavailable,
                "The server has not learned yet which sandboxes there are, because the Kubernetes API does not answer.",
                cause: informer.failure
            )
        }
    }

    // MARK: Reading

    /// What is known of a sandbox.
    ///
    /// - Throws: `notFound`; `runtimeUnavailable` if nothing is known yet.
    package func entry(_ id: String) async throws -> Entry {
        try await waitUntilSynced()
        guard let entry = directory[id] else { throw SandboxError.noSandbox(id) }
        return entry
    }

    /// A sandbox as it is and as it becomes; it ends when the sandbox is gone.
    ///
    /// - Throws: `notFound` or `runtimeUnavailable`.
    package func changes(of id: String) async throws -> AsyncStream<Sandbox> {
        _ = try await entry(id)
        let changes = directory.changes(of: id)
        let iterator = LockedIterator(changes.makeAsyncIterator())
        return AsyncStream { await iterator.next()??.sandbox }
    }

    // MARK: Writing

    /// Begins to delete a sandbox in whatever state it is.
    ///
    /// - Throws: `notFound` or `runtimeUnavailable`.
    package func delete(_ id: String) async throws {
        let entry = try await entry(id)
        do {
            let deletion = try await client.delete(
                entry.object.metadata.name,
                DeleteOptions(uid: entry.object.metadata.uid, gracePeriodSeconds: 0, propagation: .background)
            )
            switch deletion {
            case .begun(let object): directory.put(object)
            case .done: directory.remove(entry.object)
            }
        } catch let error as KubeError where error.isNotFound || error.isConflict {
            throw SandboxError.noSandbox(id)
        } catch let error as KubeError {
            throw SandboxError(error, doing: "delete the sandbox")
        }
    }

    /// Edits the object of a sandbox as it is, once more if somebody else was faster.
    ///
    /// - Parameters:
    ///   - what: What is tried, as the rest of "could not".
    ///   - requiresState: Whether only the state that `change` has seen may be edited.
    ///   - change: The patch, from what is known; nil if there is nothing to change.
    /// - Returns: The sandbox as it is then.
    @discardableResult
    package func edit(
        _ id: String,
        _ what: String,
        requiresState: Bool = false,
        _ change: (Entry) throws -> JSONValue?
    ) async throws -> Entry {
        var attempt = 1
        while true {
            let entry = try await entry(id)
            guard entry.object.metadata.deletionTimestamp == nil || !requiresState else {
                throw SandboxError(.invalidState, "The sandbox '\(id)' is being deleted.")
            }
            guard let document = try change(entry) else { return entry }
            var patch = MergePatch(document)
            let name = entry.object.metadata.name
            if requiresState, let version = entry.object.metadata.resourceVersion {
                patch = patch.requiring(resourceVersion: version)
            }
            do {
                let object = try await client.patch(name, .merge(patch))
                directory.put(object)
                return directory[id] ?? Entry(object: object, sandbox: object.sandbox)
            } catch let error as KubeError where error.isNotFound {
                throw SandboxError.noSandbox(id)
            } catch let error as KubeError where error.isConflict && attempt < Self.attempts {
                try await Task.sleep(for: Self.pause(after: attempt) * Double.random(in: 0...1))
                attempt += 1
                try await refresh(entry, what)
            } catch let error as KubeError {
                throw SandboxError(error, doing: what)
            }
        }
    }

    /// Asks the API server how a sandbox is now.
    ///
    /// - Throws: `notFound` if it is gone; `runtimeUnavailable`.
    package func refresh(_ entry: Entry, _ what: String) async throws {
        let object = try await telling(what) { try await client.find(entry.object.metadata.name) }
        guard let object, object.metadata.uid == entry.object.metadata.uid else {
            directory.remove(entry.object)
            throw SandboxError.noSandbox(entry.sandbox.id)
        }
        directory.put(object)
    }
}
