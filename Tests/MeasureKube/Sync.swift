// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubeClient
import KubeModels
import KubeRuntime

/// From nothing to a store with all pods of a namespace.
struct Sync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Starts an informer, and ends when it is synced.")

    @Argument var namespace: String

    func run() async throws {
        try await MeasureKube.withClient { client in
            let informer = Informer(client.resource(Pod.self, in: .named(namespace)), logger: MeasureKube.logger)
            let stopwatch = Stopwatch()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await informer.run() }
                try await informer.waitUntilSynced()
                stopwatch.report(["pods": informer.store.count])
                group.cancelAll()
            }
        }
    }
}
