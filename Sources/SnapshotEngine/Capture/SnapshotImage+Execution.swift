// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotProvider
import SnapshotStore

import class Foundation.JSONEncoder

extension ImageConfig.Execution {
    /// Runs as a container was run, as far as that is known: what its pod has replaced of the image is replaced here, too, by
    /// the same rules. So whoever has only the image gets the same.
    mutating func apply(_ execution: ContainerExecution) {
        if let command = execution.command {
            entrypoint = command
            cmd = execution.arguments
        } else if let arguments = execution.arguments {
            cmd = arguments
        }
        if let directory = execution.workingDirectory { workingDir = directory }
        if let user = execution.user { self.user = user }
        if !execution.ports.isEmpty { exposedPorts = (exposedPorts ?? []).union(execution.ports) }
        for (name, value) in execution.environment.sorted(by: { $0.key < $1.key }) { set(name, value) }
    }

    private mutating func set(_ name: String, _ value: String) {
        var variables = env ?? []
        let entry = "\(name)=\(value)"
        if let index = variables.firstIndex(where: { $0.hasPrefix("\(name)=") }) {
            variables[index] = entry
        } else {
            variables.append(entry)
        }
        env = variables
    }
}

extension ContainerExecution {
    /// What a config has no place for.
    var labels: [String: String] {
        var labels: [String: String] = [:]
        if !limits.isEmpty { labels[SnapshotLabels.limits] = Self.text(limits) }
        if !requests.isEmpty { labels[SnapshotLabels.requests] = Self.text(requests) }
        if !environmentNames.isEmpty { labels[SnapshotLabels.environment] = Self.text(environmentNames) }
        return labels
    }

    private static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings can always be encoded.
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
