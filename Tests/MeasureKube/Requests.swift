// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import KubeClient
import KubeModels

/// Many small requests, several at a time.
struct Requests: AsyncParsableCommand {
    /// What is asked for.
    enum Verb: String, ExpressibleByArgument, CaseIterable {
        /// A pod by its name.
        case get
        /// A merge patch of an annotation.
        case patch
    }

    static let configuration = CommandConfiguration(abstract: "Reads or patches one pod after the other.")

    @Argument var verb: Verb
    @Argument var namespace: String
    @Argument(help: "A file with the pods' names, a line each.") var names: String
    @Option(help: "How many requests are under way at any time.") var parallel = 8

    func run() async throws {
        let names = try String(contentsOfFile: names, encoding: .utf8).split(separator: "\n").map(String.init)
        try await MeasureKube.withClient { client in
            let pods = client.resource(Pod.self, in: .named(namespace))
            let stopwatch = Stopwatch()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for first in 0..<parallel {
                    group.addTask {
                        for place in stride(from: first, to: names.count, by: parallel) {
                            try await send(names[place], pods)
                        }
                    }
                }
                try await group.waitForAll()
            }
            stopwatch.report(["requests": names.count])
        }
    }

    private func send(_ name: String, _ pods: ResourceClient<Pod>) async throws {
        switch verb {
        case .get: _ = try await pods.get(name)
        case .patch:
            // Another value each time, or nothing would be written.
            let annotations: JSONValue = ["bench.example.com/seen": .string(UUID().uuidString)]
            _ = try await pods.patch(name, .merge(MergePatch(["metadata": ["annotations": annotations]])))
        }
    }
}
