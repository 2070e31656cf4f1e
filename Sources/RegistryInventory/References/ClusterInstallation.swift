// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import KubeModels

/// A Kubernetes cluster: everything of the dialects' groups that it serves, whatever runs pods, and the pods, of all
/// namespaces. Asked of the API server each time, because what a cache does not show yet may have been created just now.
public struct ClusterInstallation: Installation {
    /// The groups of which everything is read.
    private static let dialects = ["sandbox.opensandbox.io", "agents.kruise.io", "agents.x-k8s.io"]
    /// What of others can name images, before pods, so that what becomes a pod meanwhile is seen in one of the two.
    private static let workloads: [(group: String, plurals: Set<String>)] = [
        ("batch", ["cronjobs", "jobs"]),
        ("apps", ["daemonsets", "deployments", "replicasets", "statefulsets"]),
        ("", ["podtemplates", "pods", "replicationcontrollers"]),
    ]
    /// How often a list is begun again that took so long that the API server has forgotten its state.
    private static let attempts = 3

    /// What people call it.
    public let name: String
    private let client: KubeClient

    /// A cluster by its client.
    public init(name: String, client: KubeClient) {
        self.name = name
        self.client = client
    }

    /// Reads all of it.
    public func addReferences(to index: inout ReferenceIndex) async throws {
        do {
            for type in try await types() {
                try await add(type, to: &index)
            }
        } catch let error as KubeError {
            let advice =
                error.kind == .forbidden
                ? "its user may not list something of all namespaces: use one that may, such as a cluster administrator"
                : "the API server did not tell all of it"
            throw InstallationError(name, advice, cause: error)
        }
    }

    private func add(_ type: ResourceType, to index: inout ReferenceIndex) async throws {
        var attempt = 1
        while true {
            do {
                for try await page in client.resource(type, in: .all).pages(ListOptions(limit: 500)) {
                    for object in page.items {
                        let place = [object.metadata.namespace, object.metadata.name].compactMap { $0 }
                        index.add(object.jsonText, holder: "\(type.kind) \(place.joined(separator: "/")) of \(name)")
                    }
                }
                return
            } catch let error as KubeError where error.kind == .expired && attempt < Self.attempts {
                attempt += 1
            }
        }
    }

    /// The types that are read, pods last.
    ///
    /// - Throws: `InstallationError` if the cluster knows no sandboxes: then it is not the one that was meant.
    private func types() async throws -> [ResourceType] {
        let discovery = Discovery(client)
        let groups = try await discovery.groups()
        var types: [ResourceType] = []
        for group in groups where Self.dialects.contains(where: { group.name == $0 || group.name.hasSuffix(".\($0)") })
        {
            guard let version = group.preferredVersion ?? group.versions.first else { continue }
            types += try await self.types(of: group.name, version.version, discovery) { _ in true }
        }
        guard !types.isEmpty else {
            throw InstallationError(
                name,
                "the cluster serves none of \(Self.dialects.joined(separator: ", ")): see whether it is the one that you mean"
            )
        }
        for (group, plurals) in Self.workloads {
            let served = groups.first { $0.name == group }
            guard group.isEmpty || served != nil else { continue }
            let version = served?.preferredVersion?.version ?? "v1"
            types += try await self.types(of: group, version, discovery) { plurals.contains($0) }
        }
        let pods = types.filter { $0.group.isEmpty && $0.plural == "pods" }
        return types.filter { !pods.contains($0) } + pods
    }

    private func types(
        of group: String,
        _ version: String,
        _ discovery: Discovery,
        where isWanted: (String) -> Bool
    ) async throws -> [ResourceType] {
        try await discovery.resources(of: group.isEmpty ? version : "\(group)/\(version)")
            .filter { isWanted($0.name) && $0.verbs.contains("list") }
            .map { resource in
                ResourceType(
                    group: group,
                    version: version,
                    kind: resource.kind,
                    plural: resource.name,
                    scope: resource.namespaced ? .namespaced : .cluster
                )
            }
    }
}
