// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What controllers need of an API server, tried on the testbed's.
@Suite struct CustomResourceTests {
    private static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: widgets.testbed.example.com}
        spec:
          group: testbed.example.com
          scope: Namespaced
          names: {plural: widgets, singular: widget, kind: Widget}
          versions:
          - name: v1
            served: true
            storage: true
            subresources: {status: {}}
            schema:
              openAPIV3Schema:
                type: object
                properties:
                  spec:
                    type: object
                    properties:
                      size: {type: integer, maximum: 10}
                      state: {type: string, enum: [Running, Paused], default: Running}
                  status: {type: object, properties: {phase: {type: string}}}
        """

    /// Runs `body` in a namespace where a Widget of size 1 was applied by the manager `first`.
    private func withWidget(_ body: (TestNamespace) async throws -> Void) async throws {
        let testbed = try KubernetesTestbed.find()
        // Left in place: the tests of this suite run at the same time, and share it.
        try await testbed.kubectl("apply", "--filename", "-", input: Self.definition)
        try await testbed.kubectl(
            "wait",
            "--for=condition=Established",
            "crd/widgets.testbed.example.com",
            "--timeout=60s"
        )
        try await testbed.withNamespace { namespace in
            try await apply(size: 1, as: "first", in: namespace)
            try await body(namespace)
        }
    }

    private func apply(size: Int, as manager: String, in namespace: TestNamespace) async throws {
        let manifest = """
            apiVersion: testbed.example.com/v1
            kind: Widget
            metadata: {name: one}
            spec: {size: \(size)}
            """
        try await namespace.kubectl(
            "apply",
            "--server-side",
            "--field-manager",
            manager,
            "--filename",
            "-",
            input: manifest
        )
    }

    @Test func appliesServerSideAndDefaults() async throws {
        try await withWidget { namespace in
            let state = try await namespace.field(".spec.state", of: "widget/one")
            #expect(state == "Running")
            let conflict = try await #require(throws: KubernetesTestbed.Failure.self) {
                try await apply(size: 2, as: "second", in: namespace)
            }
            #expect(conflict.description.contains("conflict with \"first\""))
            let invalid = try await #require(throws: KubernetesTestbed.Failure.self) {
                try await apply(size: 11, as: "first", in: namespace)
            }
            #expect(invalid.description.contains("spec.size"))
            try await apply(size: 2, as: "first", in: namespace)
            let size = try await namespace.field(".spec.size", of: "widget/one")
            #expect(size == "2")
        }
    }

    @Test func keepsStatusApartAndWatches() async throws {
        try await withWidget { namespace in
            let path = "/apis/testbed.example.com/v1/namespaces/\(namespace.name)/widgets/one"
            async let phase = namespace.wait(for: ".status.phase", of: "widget/one") { !$0.isEmpty }
            try await patch(path, #"{"status": {"phase": "Ignored"}, "spec": {"size": 3}}"#, of: namespace.testbed)
            let both = #"{"status": {"phase": "Seen"}, "spec": {"size": 4}}"#
            try await patch("\(path)/status", both, of: namespace.testbed)
            #expect(try await phase == "Seen")
            let size = try await namespace.field(".spec.size", of: "widget/one")
            #expect(size == "3")
        }
    }

    // kubectl of that version cannot patch a subresource.
    private func patch(_ path: String, _ patch: String, of testbed: KubernetesTestbed) async throws {
        let token = try String(contentsOfFile: testbed.tokenFile, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try await Command.run(
            "curl",
            [
                "--silent", "--show-error", "--fail", "--cacert", testbed.authority, "--request", "PATCH",
                "--header", "Authorization: Bearer \(token)",
                "--header", "Content-Type: application/merge-patch+json", "--data", patch, "\(testbed.api)\(path)",
            ]
        )
    }

    @Test func refusesToReplaceWhatHasChangedMeanwhile() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            func lease(holder: String, version: String = "") -> String {
                """
                apiVersion: coordination.k8s.io/v1
                kind: Lease
                metadata: {name: leader, resourceVersion: "\(version)"}
                spec: {holderIdentity: \(holder), leaseDurationSeconds: 15}
                """
            }
            try await namespace.kubectl("create", "--filename", "-", input: lease(holder: "one"))
            let first = try await namespace.field(".metadata.resourceVersion", of: "lease/leader")
            try await namespace.kubectl("replace", "--filename", "-", input: lease(holder: "two", version: first))
            let conflict = try await #require(throws: KubernetesTestbed.Failure.self) {
                try await namespace.kubectl("replace", "--filename", "-", input: lease(holder: "three", version: first))
            }
            #expect(conflict.description.contains("Conflict"))
            let holder = try await namespace.field(".spec.holderIdentity", of: "lease/leader")
            #expect(holder == "two")
        }
    }
}
