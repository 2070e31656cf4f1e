// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels

/// Whether somebody may do something: a question to the API server (authorization.k8s.io/v1).
struct AccessQuestion: Sendable, Hashable {
    var verb: String
    var group: String
    /// With a subresource after a slash.
    var resource: String
    /// "" for any.
    var name = ""
    /// "" for all, and for what is in none.
    var namespace = ""

    private static let own = ResourceType(
        group: "authorization.k8s.io",
        version: "v1",
        kind: "SelfSubjectAccessReview",
        plural: "selfsubjectaccessreviews",
        scope: .cluster
    )

    /// Asks it.
    ///
    /// - Parameter account: About whom; nil for who asks.
    func isAllowed(_ account: DoctorOptions.Account?, _ client: KubeClient) async throws -> Bool {
        let parts = resource.split(separator: "/", maxSplits: 1).map(String.init)
        var attributes: JSONValue = [
            "verb": .string(verb), "group": .string(group), "resource": .string(parts[0]), "name": .string(name),
            "namespace": .string(namespace),
        ]
        if parts.count == 2 { attributes["subresource"] = .string(parts[1]) }
        var spec: JSONValue = ["resourceAttributes": attributes]
        if let account {
            spec["user"] = .string(account.user)
            spec["groups"] = .array(account.groups.map { .string($0) })
        }
        let type = account == nil ? Self.own : SubjectAccessReview.resourceType
        var question = DynamicObject(type, name: "")
        question["spec"] = spec
        return try await client.resource(type).create(question)["status"]?["allowed"]?.bool ?? false
    }
}
