// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdTesting
import SandboxModels
import Testing

@testable import Server

@Suite struct UnsupportedRoutesTests {
    @Test(arguments: [
        (HTTPRequest.Method.get, "/pools", 501, "KUBERNETES::POOL_NOT_SUPPORTED"),
        (.post, "/pools", 501, "KUBERNETES::POOL_NOT_SUPPORTED"),
        (.put, "/pools/p", 501, "KUBERNETES::POOL_NOT_SUPPORTED"),
        (.delete, "/pools/p", 501, "KUBERNETES::POOL_NOT_SUPPORTED"),
        (.patch, "/pools/p", 405, "GENERAL::UNKNOWN_ERROR"),
        (.get, "/templates", 501, "SANDBOX::API_NOT_SUPPORTED"),
        (.post, "/templates", 501, "SANDBOX::API_NOT_SUPPORTED"),
        (.get, "/templates/t", 501, "SANDBOX::API_NOT_SUPPORTED"),
        (.delete, "/templates/t", 501, "SANDBOX::API_NOT_SUPPORTED"),
        (.get, "/sandboxes/up/networkpolicy", 400, "SANDBOX::API_NOT_SUPPORTED"),
        (.patch, "/sandboxes/up/networkpolicy", 400, "SANDBOX::API_NOT_SUPPORTED"),
        (.delete, "/sandboxes/nope/networkpolicy", 404, "KUBERNETES::SANDBOX_NOT_FOUND"),
    ])
    func areToldApart(method: HTTPRequest.Method, path: String, status: Int, code: String) async throws {
        let runtime = InMemoryRuntime()
        await runtime.put("up", .running)
        try await APIClient.with(runtime) { api async throws in
            for mount in ["", "/v1"] {
                #expect(try await api.call(method, mount + path).error() == ErrorAnswer(status, code))
            }
        }
    }
}
