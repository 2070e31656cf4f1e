// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// What is sent.
struct RequestTests {
    /// Runs `body` and returns the requests as they arrive.
    private func requests(
        configure: (inout KubeClientConfiguration) -> Void = { _ in },
        answer: String = #"{"metadata":{"name":"one"}}"#,
        _ body: (KubeClient) async throws -> Void
    ) async throws -> [TestWebServer.Request] {
        try await TestWebServer.run({ _ in .json(answer) }) { server in
            try await withTestClient("http://\(server.authority)", configure: configure) { client, _ in
                try await body(client)
            }
            return server.requests
        }
    }

    private func lines(_ requests: [TestWebServer.Request]) -> [String] { requests.map { "\($0.method) \($0.target)" } }

    @Test func addressesObjects() async throws {
        let sent = try await requests { client in
            _ = try await client.maps.get("one")
            _ = try await client.resource(Job.self, in: "other").get("two", subresource: .status)
            _ = try await client.resource(Node.self, in: "ignored").get("n:1")
            _ = try await client.maps.in(.all).list()
            _ = try await client.maps.list(
                ListOptions(
                    labels: LabelQuery(parsing: "a in (b,c)"),
                    fields: .name("x"),
                    resourceVersion: "5",
                    versionMatch: .exact,
                    limit: 3
                )
            )
            _ = try await client.maps.list(ListOptions(resourceVersion: "5", continueToken: "t/+="))
        }
        #expect(
            lines(sent) == [
                "GET /api/v1/namespaces/team/configmaps/one", "GET /apis/batch/v1/namespaces/other/jobs/two/status",
                "GET /api/v1/nodes/n%3A1", "GET /api/v1/configmaps",
                "GET /api/v1/namespaces/team/configmaps?labelSelector=a%20in%20%28b%2Cc%29&fieldSelector=metadata.name%3Dx&limit=3&resourceVersion=5&resourceVersionMatch=Exact",
                "GET /api/v1/namespaces/team/configmaps?continue=t%2F%2B%3D",
            ]
        )
    }

    @Test func saysWhatIsWritten() async throws {
        let map = ConfigMap.with {
            $0.metadata.name = "one"
            $0.data = ["a": "b"]
        }
        let options = WriteOptions(fieldManager: "me too", isDryRun: true, fieldValidation: .strict)
        let sent = try await requests { client in
            _ = try await client.maps.create(map, options)
            _ = try await client.maps.replace(map, subresource: .status)
            _ = try await client.maps.patch("one", .merge(MergePatch(["x": 1])))
            _ = try await client.maps.patch("one", .json(JSONPatch([.remove(["x"])])))
            _ = try await client.maps.apply(map, manager: "me", isForced: true)
            _ = try await client.maps.delete(
                "one",
                DeleteOptions(uid: "u", gracePeriodSeconds: 0, propagation: .foreground)
            )
            try await client.maps.deleteAll(ListOptions(labels: LabelQuery(parsing: "a")))
            _ = try await client.maps.setScale(of: "one", replicas: 3)
        }
        let base = "/api/v1/namespaces/team/configmaps"
        #expect(
            lines(sent) == [
                "POST \(base)?fieldManager=me%20too&dryRun=All&fieldValidation=Strict", "PUT \(base)/one/status",
                "PATCH \(base)/one",
                "PATCH \(base)/one", "PATCH \(base)/one?force=true&fieldManager=me", "DELETE \(base)/one",
                "DELETE \(base)?labelSelector=a",
                "PATCH \(base)/one/scale",
            ]
        )
        #expect(
            sent.map { $0.headers.first(name: "Content-Type") ?? "" } == [
                "application/json", "application/json", "application/merge-patch+json", "application/json-patch+json",
                "application/apply-patch+yaml", "application/json", "application/json", "application/merge-patch+json",
            ]
        )
        #expect(
            String(buffer: sent[0].body)
                == #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"},"data":{"a":"b"}}"#
        )
        let deletion =
            #"{"apiVersion":"v1","gracePeriodSeconds":0,"kind":"DeleteOptions","preconditions":{"uid":"u"},"propagationPolicy":"Foreground"}"#
        #expect(String(buffer: sent[5].body) == deletion)
    }

    @Test func saysWhoWeAre() async throws {
        let sent = try await requests { configuration in
            configuration.credentials.token = .literal("hush")
            configuration.impersonation = Impersonation(
                user: "jane",
                groups: ["a", "b"],
                uid: "7",
                extra: ["Scopes/x": ["view"]]
            )
            configuration.userAgent = "me/1"
        } _: { client in
            _ = try await client.maps.get("one")
        }
        let headers = try #require(sent.first).headers
        #expect(headers["Authorization"] == ["Bearer hush"] && headers["User-Agent"] == ["me/1"])
        #expect(headers["Impersonate-User"] == ["jane"] && headers["Impersonate-Group"] == ["a", "b"])
        #expect(headers["Impersonate-Uid"] == ["7"] && headers["Impersonate-Extra-Scopes%2Fx"] == ["view"])
    }

    @Test func keepsTheServersPath() async throws {
        try await TestWebServer.run({ _ in .json("{}") }) { server in
            try await withTestClient("http://\(server.authority)/k8s/clusters/c-1/") { client, _ in
                _ = try await client.maps.get("one")
            }
            #expect(server.requests.map(\.target) == ["/k8s/clusters/c-1/api/v1/namespaces/team/configmaps/one"])
            #expect(server.requests[0].headers["Host"] == [server.authority])
        }
    }

    @Test(arguments: ["", ".", "..", "a/b", "a%2Fb", "/"])
    func refusesNamesThatMeanSomethingElse(_ name: String) async throws {
        let sent = try await requests { client in
            await #expect { try await client.maps.get(name) } throws: { ($0 as? KubeError)?.kind == .invalidRequest }
            await #expect { try await client.maps.in(.named(name)).list() } throws: {
                ($0 as? KubeError)?.kind == .invalidRequest
            }
        }
        #expect(sent.isEmpty)
    }

    @Test func findsTheNamespace() async throws {
        let map = ConfigMap.with { ($0.metadata.name, $0.metadata.namespace) = ("one", "other") }
        let sent = try await requests { client in
            _ = try await client.maps.in(.all).create(map)
            _ = try await client.maps.in(.all).replace(map)
            await #expect { try await client.maps.create(map) } throws: { ($0 as? KubeError)?.kind == .invalidRequest }
            await #expect { try await client.maps.in(.all).get("one") } throws: {
                ($0 as? KubeError)?.kind == .invalidRequest
            }
        }
        #expect(
            lines(sent) == ["POST /api/v1/namespaces/other/configmaps", "PUT /api/v1/namespaces/other/configmaps/one"]
        )
    }
}
