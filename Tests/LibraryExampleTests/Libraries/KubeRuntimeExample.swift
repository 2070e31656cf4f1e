// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging

/// Compiled, and not run: `Examples/TinyOperator` is, on a cluster.
func exampleOfKubeRuntime(client: KubeClient, elector: LeaderElector, logger: Logger) async throws {
    let widgets = Informer(client.resource(Widget.self, in: .all), logger: logger)
    let jobs = Informer(client.resource(Job.self, in: .all), indexes: [.owner], logger: logger)

    let controller = Controller<ObjectKey>(name: "widgets", workers: 4, logger: logger) { key in
        guard let widget = widgets.store[key] else { return .done }
        logger.info("\(widget.metadata.name)")  // Look, write what is missing, and say when to look again.
        return .requeue(after: .seconds(60))
    }
    .watching(widgets)
    .watchingOwned(jobs, by: Widget.self)

    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await widgets.run() }
        group.addTask { try await jobs.run() }
        group.addTask { try await elector.run { _ in try await controller.run() } }
        try await group.waitForAll()
    }
}
