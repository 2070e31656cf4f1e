// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import TestSupport
import Testing

/// Registries that are reached through a proxy. Names in `.test` lead nowhere, so what arrives has come through it.
struct ProxyTests {
    @Test func goesThroughIt() async throws {
        let image = try await SampleImage.make()
        let login = "Basic " + Data("user:pass word".utf8).base64EncodedString()
        try await DockerRegistry.run { registry in
            try await ConnectProxy.run(to: registry.authority, login: login) { proxy in
                let proxies = try ProxySettings(environment: [
                    "HTTP_PROXY": "http://user:pass%20word@\(proxy.authority)"
                ])
                try await withTestClient(configure: {
                    $0.proxies = proxies
                    $0.plainHTTP.hosts = ["registry.test"]
                }) { client, _ in
                    let far = client.repository(try ImageReference(parsing: "registry.test:5000/app"))
                    let pushed = try await image.push(to: far, as: .tag("1"))
                    #expect(Set(proxy.targets) == ["registry.test:5000"])
                    let count = proxy.targets.count
                    let near = client.repository(try registry.reference("app"))
                    #expect(try await near.resolve(.tag("1")) == pushed)
                    #expect(proxy.targets.count == count, "loopback needs no proxy")
                }
            }
        }
    }

    @Test func namesAProxyThatWantsALogin() async throws {
        try await ConnectProxy.run(to: "127.0.0.1:1", login: "Basic x") { proxy in
            let proxies = try ProxySettings(environment: ["HTTPS_PROXY": "http://\(proxy.authority)"])
            try await withTestClient(configure: { $0.proxies = proxies }) { client, pauses in
                let far = client.repository(try ImageReference(parsing: "registry.test/app"))
                let error = await #expect(throws: RegistryError.self) { try await far.ping() }
                #expect(error?.kind == .unauthorized, "\(error.map { "\($0)" } ?? "")")
                #expect(error?.reason.contains(proxy.authority) == true)
                #expect(pauses.all.isEmpty)
            }
        }
    }

    @Test func namesAProxyThatIsNotThere() async throws {
        let proxies = try ProxySettings(environment: ["HTTPS_PROXY": "http://127.0.0.1:1"])
        try await withTestClient(configure: { $0.proxies = proxies }) { client, _ in
            let far = client.repository(try ImageReference(parsing: "registry.test/app"))
            let error = await #expect(throws: RegistryError.self) { try await far.ping() }
            #expect(error?.kind == .unreachable)
            #expect(error?.reason.contains("registry.test through the proxy 127.0.0.1:1") == true)
        }
    }
}
