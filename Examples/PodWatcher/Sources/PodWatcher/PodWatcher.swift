// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging

/// Prints what happens to pods: `PodWatcher [label selector]`.
@main
struct PodWatcher {
    static func main() async throws {
        let selector = try LabelQuery(parsing: CommandLine.arguments.dropFirst().joined(separator: ","))
        let configuration = try await KubeClientConfiguration.automatic()
        try await withKubeClient(configuration, logger: Logger(label: "pod-watcher")) { client in
            for try await event in client.resource(Pod.self, in: .all).watch(ListOptions(labels: selector)) {
                guard let pod = event.object else { continue }
                let what = if case .deleted = event { "Deleted" } else { pod.status?.phase ?? "Unknown" }
                print(
                    "\(pod.metadata.namespace ?? "")/\(pod.metadata.name) \(what) on \(pod.spec.nodeName ?? "no node")"
                )
            }
        }
    }
}
