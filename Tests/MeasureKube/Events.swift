// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import KubeClient
import KubeModels
import KubeRuntime

/// What has happened since a state of the cluster, through an informer: it lists that state, and then hears of all the rest as
/// fast as it can.
struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Hears of changes from one state to another.")

    @Argument var namespace: String
    @Option(help: "The resourceVersion of the state to begin with.") var from: String
    @Option(help: "The resourceVersion of the change to end with.") var to: String

    func run() async throws {
        try await MeasureKube.withClient { client in
            let informer = Informer(
                client.resource(Pod.self, in: .named(namespace)),
                ListOptions(resourceVersion: from),
                // Each change counts, so none may be told together with another.
                backlogLimit: .max,
                logger: MeasureKube.logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await informer.run() }
                try await informer.waitUntilSynced()
                let stopwatch = Stopwatch()
                var count = 0
                for await change in informer.changes {
                    if case .updated = change { count += 1 }
                    if change.object.metadata.resourceVersion == to { break }
                }
                stopwatch.report(["events": count])
                group.cancelAll()
            }
        }
    }
}
