// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

extension KubernetesTestbed {
    /// Runs `body` while the node pulls by plain HTTP from a registry that is not the testbed's own, such as a proxy before one
    /// of these.
    ///
    /// - Parameter authority: Where it listens, `<address>:<port>`, for pods.
    public func withPlainRegistry<Result>(
        _ authority: String,
        _ body: () async throws -> Result
    ) async throws -> Result {
        // containerd looks here at every pull.
        let folder = "\(folder)/cluster/containerd/hosts/\(authority)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try
            "server = \"http://\(authority)\"\n[host.\"http://\(authority)\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
            .write(toFile: "\(folder)/hosts.toml", atomically: true, encoding: .utf8)
        return try await body()
    }
}
