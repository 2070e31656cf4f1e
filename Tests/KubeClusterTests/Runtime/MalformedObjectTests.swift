// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import MetricsTestKit
import Testing

/// Against a real API server: some objects are not as their type says.
@Suite(.serialized)
struct MalformedObjectTests {
    /// A map whose value is a number, if it has one. The API server has only texts.
    private struct NumberMap: KubeResource {
        static let resourceType = ConfigMap.resourceType

        struct Values: JSONFields {
            var number: Int?
            var text: String?
            var unknownFields = UnknownFields()

            mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
                try fields.field("number", &number)
                try fields.field("text", &text)
            }
        }

        var metadata = ObjectMeta()
        var data: Values?
        var unknownFields = UnknownFields()

        mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
            try fields.field("metadata", &metadata)
            try fields.field("data", &data)
        }
    }

    private static func map(_ name: String, _ data: [String: String]) -> ConfigMap {
        .with {
            $0.metadata.name = name
            $0.metadata.labels = ["malformed": "test"]
            $0.data = data
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func oneThatCannotBeReadIsKeptOutAndTheOthersFlow() async throws {
        try await Cluster.run { client, namespace in
            let maps = client.resource(ConfigMap.self, in: .named(namespace))
            let options = ListOptions(labels: try LabelQuery(parsing: "malformed=test"))
            _ = try await maps.create(Self.map("bad", ["number": "1"]))
            _ = try await maps.create(Self.map("good", ["text": "1"]))
            let numbers = client.resource(NumberMap.self, in: .named(namespace))
            let error = await #expect(throws: KubeError.self) { try await numbers.list(options) }
            #expect(error?.kind == .malformedAnswer)

            let metrics = TestMetrics()
            let informer = Informer(numbers, options, metrics: metrics, logger: Cluster.logger)
            func count() -> Int64 { metrics.counterTotal(label: "kube_informer_malformed_objects_total") }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await informer.run() }
                var changes = informer.changes.makeAsyncIterator()
                func next() async -> String {
                    switch await changes.next() {
                    case .added(let map, _): "added \(map.metadata.name) \(map.data?.text ?? "")"
                    case .updated(let old, let new):
                        "updated \(new.metadata.name) \(old.data?.text ?? "") to \(new.data?.text ?? "")"
                    case .deleted(let map, let isKnown):
                        "\(isKnown ? "deleted" : "vanished") \(map.metadata.name) \(map.data?.text ?? "")"
                    case nil: ""
                    }
                }
                #expect(await next() == "added good 1")
                try await informer.waitUntilSynced()
                #expect(informer.store.malformed.map(\.object.metadata.name) == ["bad"])
                #expect(informer.store.malformed.first?.error.path == ["data", "number"])

                // One goes bad: it is not gone, and others go on.
                _ = try await maps.update("good") { $0.data = ["number": "2"] }
                _ = try await maps.create(Self.map("other", ["text": "1"]))
                #expect(await next() == "added other 1")
                #expect(informer.store[namespace, "good"]?.data?.text == "1" && informer.store.malformed.count == 2)
                // One becomes good, and one good again.
                _ = try await maps.update("bad") { $0.data = ["text": "2"] }
                #expect(await next() == "added bad 2")
                _ = try await maps.update("good") { $0.data = ["text": "3"] }
                #expect(await next() == "updated good 1 to 3")
                #expect(informer.store.malformed.isEmpty && count() == 2)
                // And one goes bad and then goes.
                _ = try await maps.update("other") { $0.data = ["number": "3"] }
                try await maps.delete("other")
                #expect(await next() == "vanished other 1")
                #expect(informer.store.malformed.isEmpty && informer.failure == nil && count() == 3)
                #expect(metrics.counterTotal(label: "kube_informer_lists_total") == 1)
                #expect(metrics.counterTotal(label: "kube_informer_failures_total") == 0)
                group.cancelAll()
            }
        }
    }
}
