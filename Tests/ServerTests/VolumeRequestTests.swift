// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct VolumeRequestTests {
    private static func body(_ volumes: String) -> String {
        #"{"image":{"uri":"a"},"resourceLimits":{},"entrypoint":["x"],"volumes":[\#(volumes)]}"#
    }

    @Test func isHandedOn() async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            let volumes = #"""
                {"name":"a","host":{"path":"/data/a"},"mountPath":"/a","readOnly":true,"subPath":"x/y"},
                {"name":"b","pvc":{"claimName":"claim","createIfNotExists":false,"deleteOnSandboxTermination":true,
                 "storageClass":null,"storage":"1Gi","accessModes":["ReadWriteOnce"]},"mountPath":"/b","subPath":""},
                {"name":"c","pvc":{"claimName":"other"},"host":null,"ossfs":null,"mountPath":"/c","novelty":1}
                """#
            #expect(try await api.call(.post, "/v1/sandboxes", Self.body(volumes)).status == .accepted)
        }
        let created = try #require(await runtime.created.first)
        #expect(
            created.spec.volumes == [
                SandboxVolume(
                    name: "a",
                    source: .host(path: "/data/a"),
                    mountPath: "/a",
                    subPath: "x/y",
                    isReadOnly: true
                ),
                SandboxVolume(
                    name: "b",
                    source: .named(
                        .init(
                            name: "claim",
                            createIfAbsent: false,
                            deleteWithSandbox: true,
                            storage: "1Gi",
                            accessModes: ["ReadWriteOnce"]
                        )
                    ),
                    mountPath: "/b"
                ),
                SandboxVolume(name: "c", source: .named(.init(name: "other")), mountPath: "/c"),
            ]
        )
    }

    @Test(arguments: [
        (#"{"name":"A","host":{"path":"/d"},"mountPath":"/a"}"#, "INVALID_NAME"),
        (#"{"name":"","host":{"path":"/d"},"mountPath":"/a"}"#, "INVALID_NAME"),
        (#"{"name":"a-","host":{"path":"/d"},"mountPath":"/a"}"#, "INVALID_NAME"),
        (#"{"name":"a","host":{"path":"/d"},"mountPath":"a"}"#, "INVALID_MOUNT_PATH"),
        (#"{"name":"a","host":{"path":"d"},"mountPath":"/a"}"#, "INVALID_HOST_PATH"),
        (#"{"name":"a","host":{"path":"/d/../e"},"mountPath":"/a"}"#, "INVALID_HOST_PATH"),
        (#"{"name":"a","host":{"path":"/d/"},"mountPath":"/a"}"#, "INVALID_HOST_PATH"),
        (#"{"name":"a","host":{"path":"/d\u0000"},"mountPath":"/a"}"#, "INVALID_HOST_PATH"),
        (#"{"name":"a","host":{"path":"/d"},"mountPath":"/a","subPath":"/x"}"#, "INVALID_SUB_PATH"),
        (#"{"name":"a","host":{"path":"/d"},"mountPath":"/a","subPath":"x/../.."}"#, "INVALID_SUB_PATH"),
        (#"{"name":"a","mountPath":"/a"}"#, "INVALID_BACKEND"),
        (#"{"name":"a","host":{"path":"/d"},"pvc":{"claimName":"c"},"mountPath":"/a"}"#, "INVALID_BACKEND"),
        (#"{"name":"a","pvc":{"claimName":"c/d"},"mountPath":"/a"}"#, "INVALID_PVC_NAME"),
        (#"{"name":"a","ossfs":{"bucket":"b"},"mountPath":"/a"}"#, "UNSUPPORTED_BACKEND"),
        (
            #"{"name":"a","host":{"path":"/d"},"mountPath":"/a"},{"name":"a","host":{"path":"/d"},"mountPath":"/b"}"#,
            "DUPLICATE_NAME"
        ),
    ])
    func rules(volumes: String, code: String) async throws {
        let runtime = InMemoryRuntime()
        try await APIClient.with(runtime) { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes", Self.body(volumes))
            #expect(try answer.error() == ErrorAnswer(400, "VOLUME::\(code)"))
        }
        #expect(await runtime.created.isEmpty)
    }

    @Test(arguments: [
        ("3", "model_attributes_type@body.volumes.0"),
        ("{}", "missing@body.volumes.0.name missing@body.volumes.0.mountPath"),
        (
            #"{"name":1,"mountPath":[],"readOnly":"maybe","subPath":3}"#,
            """
            string_type@body.volumes.0.name string_type@body.volumes.0.mountPath bool_parsing@body.volumes.0.readOnly \
            string_type@body.volumes.0.subPath
            """
        ),
        (#"{"name":"a","mountPath":"/a","host":{}}"#, "missing@body.volumes.0.host.path"),
        (
            #"{"name":"a","mountPath":"/a","pvc":{"accessModes":1}}"#,
            "missing@body.volumes.0.pvc.claimName list_type@body.volumes.0.pvc.accessModes"
        ),
    ])
    func types(volumes: String, issues: String) async throws {
        try await APIClient.with { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes", Self.body(volumes)).issues()
            #expect(answer.map(\.testDescription).joined(separator: " ") == issues)
        }
    }

    @Test(arguments: [
        (SandboxError.Code.hostPathNotAllowed, 400, "HOST_PATH_NOT_ALLOWED"),
        (.invalidHostPath, 400, "INVALID_HOST_PATH"), (.hostPathUnavailable, 500, "HOST_PATH_CREATE_FAILED"),
        (.invalidSubPath, 400, "INVALID_SUB_PATH"), (.invalidMountPath, 400, "INVALID_MOUNT_PATH"),
        (.volumeNotFound, 400, "PVC_NOT_FOUND"),
    ])
    func whatTheRuntimeSays(code: SandboxError.Code, status: Int, word: String) async throws {
        let runtime = InMemoryRuntime { throw SandboxError(code, "No.") }
        try await APIClient.with(runtime) { api async throws in
            let answer = try await api.call(.post, "/v1/sandboxes", SandboxRoutesTests.minimalBody)
            #expect(try answer.error() == ErrorAnswer(status, "VOLUME::\(word)"))
        }
    }
}
