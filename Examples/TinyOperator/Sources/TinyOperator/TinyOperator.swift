// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import UnixSignals

/// A whole operator: for each Greeting there is a ConfigMap with the text, and the Greeting's status tells it. Of several that
/// run, one works. SIGTERM ends it in good order.
///
/// `TinyOperator KUBECONFIG NAMESPACE IDENTITY`
@main
struct TinyOperator {
    static func main() async throws { try await run(CommandLine.arguments) }

    @concurrent private static func run(_ arguments: [String]) async throws {
        guard arguments.count == 4 else { fatalError("usage: TinyOperator KUBECONFIG NAMESPACE IDENTITY") }
        let logger = Logger(label: "tiny-operator")
        let configuration = try KubeClientConfiguration(Kubeconfig.load(files: [arguments[1]]))
        try await withKubeClient(configuration, logger: logger) { client in
            let greeter = Greeter(client, namespace: .named(arguments[2]), identity: arguments[3], logger: logger)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await greeter.run() }
                group.addTask { for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { return } }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

/// Sees to it that every Greeting has its ConfigMap.
struct Greeter: Sendable {
    let greetings: ResourceClient<Greeting>
    let maps: ResourceClient<ConfigMap>
    let greetingInformer: Informer<Greeting>
    let mapInformer: Informer<ConfigMap>
    let recorder: EventRecorder
    let elector: LeaderElector
    let logger: Logger
    let finalizer = Finalizer("tiny.example/goodbye")

    init(_ client: KubeClient, namespace: NamespaceScope, identity: String, logger: Logger) {
        greetings = client.resource(in: namespace)
        maps = client.resource(in: namespace)
        greetingInformer = Informer(greetings, logger: logger)
        mapInformer = Informer(maps, logger: logger)
        recorder = EventRecorder(client, component: "tiny-operator", instance: identity, logger: logger)
        elector = LeaderElector(
            client.resource(in: namespace),
            name: "tiny-operator",
            identity: identity,
            logger: logger
        )
        self.logger = logger
    }

    /// Runs until its task is cancelled. The informers run also while another one leads, so that nothing has to be loaded when
    /// this one takes over.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await greetingInformer.run() }
            group.addTask { try? await mapInformer.run() }
            group.addTask { try? await recorder.run() }
            while !Task.isCancelled {
                do {
                    try await elector.run(lead)
                } catch {
                    logger.info("not leading any more", metadata: ["error": "\(error)"])
                }
            }
            group.cancelAll()
        }
    }

    private func lead(_ leadership: Leadership) async throws {
        let controller = Controller<ObjectKey>(name: "greetings", workers: 2, logger: logger) { key in
            guard let greeting = greetingInformer.store[key] else { return .done }
            try leadership.check()
            return try await finalizer.reconcile(greeting, greetings, apply: greet, cleanUp: sayGoodbye)
        }
        .watching(greetingInformer)
        .watchingOwned(mapInformer, by: Greeting.self)
        try await controller.run()
    }

    private func greet(_ greeting: Greeting) async throws -> Reconciliation {
        let name = greeting.metadata.name
        let text = "Hello, \(greeting.spec.person)!"
        let map = ConfigMap.with {
            $0.metadata.name = name
            $0.metadata.ownerReferences = [greeting.controllerReference()]
            $0.data = ["text": text]
        }
        let known = mapInformer.store[greeting.key]
        if known?.data != map.data || known?.controller(Greeting.self) != greeting.key {
            _ = try await maps.apply(map, manager: "tiny-operator", isForced: true)
            recorder.record(.normal, about: greeting, reason: "Greeted", "the ConfigMap '\(name)' says: \(text)")
        }
        let status: JSONValue = ["status": ["text": .string(text)]]
        _ = try await greetings.patch(name, .merge(MergePatch(status)), subresource: .status)
        return .done
    }

    /// - Returns: `nil`: there is nothing left to wait for. The ConfigMap goes with its owner.
    private func sayGoodbye(_ greeting: Greeting) async throws -> Duration? {
        recorder.record(.normal, about: greeting, reason: "LeftAlone", "Goodbye, \(greeting.spec.person)!")
        return nil
    }
}
