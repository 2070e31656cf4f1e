// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
public import KubeModels
public import Logging
public import Metrics
public import ServiceLifecycle
import Synchronization

/// Keeps a copy of objects at hand, and tells of their changes.
///
/// It lists once and watches from there on. When the API server is away, it goes on from the state that it has reached; when
/// that state is too old, it lists again and tells only the difference. Any number of tasks may read ``store`` and listen to
/// ``changes``; one runs it.
///
/// An object that is not as its type says, such as one that an older schema let in, does not keep the others from being seen. It
/// is logged, once for each of its versions, counted, and kept out; see ``Store/malformed``.
public struct Informer<Object: KubeObject>: ServiceLifecycle.Service {
    /// The objects.
    public let store: Store<Object>
    private let client: ResourceClient<Lenient<Object>>
    private let options: ListOptions
    private let pageSize: Int
    private let transform: @Sendable (inout Object) -> Void
    private let backoff: Backoff
    private let timeline: Timeline
    private let logger: Logger
    private let measures: InformerMetrics
    private let progress = Progress()

    /// Shared by all copies.
    private final class Progress: Sendable {
        let state = Mutex(ReflectorState())
    }

    /// Creates an informer.
    ///
    /// - Parameters:
    ///   - client: the objects of which type and namespaces.
    ///   - options: which of them, by labels and fields. A resourceVersion is the state to begin with.
    ///   - indexes: by what else than their names they are to be found.
    ///   - pageSize: how many objects a page of a list has at most.
    ///   - backlogLimit: how many changes are kept for each who listens, before those of one object become one.
    ///   - transform: makes objects smaller before they are kept. As it is, it drops `managedFields`.
    ///   - backoff: the pauses after failures.
    ///   - clock: for these pauses.
    ///   - metrics: where measurements go; `nil` for the process's own system.
    public init(
        _ client: ResourceClient<Object>,
        _ options: ListOptions = ListOptions(),
        indexes: [StoreIndex<Object>] = [],
        pageSize: Int = 500,
        backlogLimit: Int = 1000,
        transform: @escaping @Sendable (inout Object) -> Void = { $0.metadata.managedFields = [] },
        backoff: Backoff = .watches,
        clock: any Clock<Duration> = .continuous,
        metrics: (any MetricsFactory)? = nil,
        logger: Logger
    ) {
        store = Store(indexes: indexes, backlogLimit: backlogLimit)
        self.client = client.lenient
        measures = InformerMetrics(client.type, factory: metrics ?? MetricsSystem.factory)
        self.options = options
        self.pageSize = pageSize
        self.transform = transform
        self.backoff = backoff
        timeline = Timeline(clock)
        self.logger = logger
    }

    /// What happens to the objects.
    public var changes: ChangeSequence<Object> { ChangeSequence(store: store) }

    /// Why the last list or watch failed; `nil` if it works. For reports of health.
    public var failure: (any Error)? { progress.state.withLock(\.failure) }

    /// Returns when all objects are in the store that were there at the beginning.
    ///
    /// - Throws: `CancellationError`.
    public func waitUntilSynced() async throws {
        guard await store.monitor.first({ $0.isSynced ? true : nil }) != nil else { throw CancellationError() }
    }

    /// Lists and watches until its task is cancelled, or its service is told to shut down. Failures are logged, and it tries again.
    ///
    /// - Throws: `CancellationError`.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await follow() }
        } catch is CancellationError where Task.isShuttingDownGracefully && !Task.isCancelled {
            // It was asked to end, and has.
        }
    }

    private func follow() async throws {
        while true {
            do {
                switch progress.state.withLock(\.work) {
                case .list(let isPaged): try await list(isPaged: isPaged)
                case .watch(let version): try await watch(from: version)
                }
            } catch {
                try Task.checkCancellation()
                measures.failed()
                let pause = progress.state.withLock { $0.failed(error, backoff) }
                logger.log(
                    level: (error as? KubeError)?.isExpired == true ? .info : .warning,
                    "an informer lost its source and goes on",
                    metadata: ["objects": "\(client.type.qualifiedPlural)", "pause": "\(pause)", "error": "\(error)"]
                )
                try await timeline.sleep(for: pause)
            }
        }
    }

    /// Makes what has been reached too old, as it becomes when the API server is away for long. For tests.
    func forgetProgress() { progress.state.withLock { $0.listed("1") } }

    private func list(isPaged: Bool) async throws {
        var options = options
        if store.isSynced {
            // Where it was to begin may be gone by now, and what comes after that it has heard of.
            options.resourceVersion = nil
            options.versionMatch = nil
        }
        let items: [Lenient<Object>]
        let version: String?
        if isPaged {
            // One page after the other becomes smaller: all together may be much larger than what is kept.
            (items, version) = try await client.pages(options, pageSize: pageSize).collect(makeSmaller)
        } else {
            var list = try await client.list(options)
            for place in list.items.indices { makeSmaller(&list.items[place]) }
            (items, version) = (list.items, list.metadata.resourceVersion)
        }
        guard let version, !version.isEmpty else { throw ListWithoutVersion(type: client.type) }
        var objects: [Object] = []
        var malformed: [MalformedObject] = []
        objects.reserveCapacity(items.count)
        for item in items {
            switch item {
            case .object(let object): objects.append(object)
            case .malformed(let other): malformed.append(other)
            }
        }
        let (kept, others) = (objects, malformed)
        let news = store.monitor.change { state in
            let news = others.filter { state.contents.isNews($0) }
            state.tell(state.contents.replace(with: kept, keepingOut: others, isInitial: !state.isSynced))
            state.isSynced = true
            return news
        }
        measures.listed()
        for other in news { report(other) }
        progress.state.withLock { $0.listed(version) }
    }

    private func watch(from version: String) async throws {
        var options = options
        options.resourceVersion = version
        options.versionMatch = nil
        for try await event in client.watch(options) {
            switch event {
            case .added(.object(let object)): apply(.added(transformed(object)))
            case .modified(.object(let object)): apply(.modified(transformed(object)))
            case .deleted(.object(let object)): apply(.deleted(transformed(object)))
            case .added(.malformed(let other)), .modified(.malformed(let other)):
                let isNews = store.monitor.change { state in
                    let isNews = state.contents.isNews(other)
                    state.tell(state.contents.keepOut(other))
                    return isNews
                }
                if isNews { report(other) }
            case .deleted(.malformed(let other)):
                store.monitor.change { state in state.tell(state.contents.remove(other)) }
            case .bookmark: break
            }
            progress.state.withLock { $0.advanced(to: event.resourceVersion) }
        }
    }

    private func apply(_ event: WatchEvent<Object>) {
        store.monitor.change { state in state.tell(state.contents.apply(event)) }
    }

    private func report(_ other: MalformedObject) {
        measures.foundMalformed()
        logger.error(
            "an object is not as its type says and is kept out; correct or delete it",
            metadata: [
                "objects": "\(client.type.qualifiedPlural)", "object": "\(other.object.key)", "error": "\(other.error)",
                "version": "\(other.object.metadata.resourceVersion ?? "")",
            ]
        )
    }

    private func makeSmaller(_ item: inout Lenient<Object>) {
        guard case .object(var object) = item else { return }
        // Else there would be two of it, and changing it would copy it.
        item = .object(Object())
        transform(&object)
        item = .object(object)
    }

    private func transformed(_ object: Object) -> Object {
        var object = object
        transform(&object)
        return object
    }
}

/// A list that does not say which state it is of.
private struct ListWithoutVersion: Error, CustomStringConvertible {
    let type: ResourceType

    var description: String {
        "the list of \(type.qualifiedPlural) has no resourceVersion, so nothing can be watched from there"
    }
}
