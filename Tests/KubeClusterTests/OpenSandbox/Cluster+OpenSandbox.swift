// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import TestSupport

/// The kinds of the OpenSandbox dialect on the cluster.
extension Cluster {
    /// Runs `body` where the kinds are as they are deployed, with a client and a namespace of its own.
    static func runWithOpenSandbox(_ body: (KubeClient, _ namespace: String) async throws -> Void) async throws {
        try await run { client, namespace in
            try await KubernetesTestbed.defineOpenSandbox()
            for plural in DeployedDefinition.openSandbox {
                try await established(try DeployedDefinition(plural).definition, client)
            }
            try await body(client, namespace)
        }
    }

    /// Runs `body` where some definitions are in a group of its own, of which it gets the types.
    static func run(
        with definitions: [DeployedDefinition],
        _ body: (KubeClient, _ namespace: String, _ types: [ResourceType]) async throws -> Void
    ) async throws {
        let group = "t\(UInt32.random(in: 0 ... .max)).opensandbox.test"
        let moved = definitions.map { $0.moved(to: group).definition }
        try await run { client, namespace in
            let resource = client.resource(CustomResourceDefinition.self)
            do {
                for definition in moved {
                    _ = try await resource.create(definition)
                    try await established(definition, client)
                }
                let types = moved.map { definition in
                    let names = definition.spec.names
                    return ResourceType(group: group, version: "v1alpha1", kind: names.kind, plural: names.plural)
                }
                try await body(client, namespace, types)
            } catch {
                await remove(moved, client)
                throw error
            }
            await remove(moved, client)
        }
    }

    private static func remove(_ definitions: [CustomResourceDefinition], _ client: KubeClient) async {
        for definition in definitions {
            _ = try? await client.resource(CustomResourceDefinition.self).delete(definition.metadata.name)
        }
    }

    private static func established(_ definition: CustomResourceDefinition, _ client: KubeClient) async throws {
        let names = definition.spec.names
        let type = ResourceType(
            group: definition.spec.group,
            version: "v1alpha1",
            kind: names.kind,
            plural: names.plural
        )
        // The API server says Established a moment before it serves the kind, and tells nobody when it does. kubectl's wait
        // fails besides if the definition has no status yet.
        for attempt in 1... {
            do {
                _ = try await client.resource(type, in: .named("default")).list()
                return
            } catch let error as KubeError where error.statusCode == 404 && attempt < 1200 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}

extension DynamicObject {
    /// The same object as one of another type that says the same.
    func converted<Object: KubeResource>(to type: Object.Type = Object.self) throws -> Object {
        var copy = self
        copy.apiVersion = Object.resourceType.apiVersion
        return try Object(json: copy.json())
    }

    /// An object as one of a kind in another group.
    init(_ object: some KubeResource, as type: ResourceType) throws {
        self = try DynamicObject(json: object.json())
        apiVersion = type.apiVersion
    }
}
