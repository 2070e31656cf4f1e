// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KubeModels
import NIOSSL
import TestSupport
import Testing

@testable import KubeClient

struct KubeconfigTests {
    private static let text = """
        apiVersion: v1
        kind: Config
        current-context: one
        clusters:
        - name: c1
          cluster: {server: "https://one.example:6443", certificate-authority: ca.pem, tls-server-name: api, proxy-url: "socks5://p:1"}
        - name: c2
          cluster: {server: "https://two.example", insecure-skip-tls-verify: true, certificate-authority-data: Y2E=}
        users:
        - name: u1
          user: {client-certificate: /abs/c.pem, client-key: keys/k.pem, as: jane, as-groups: [a, b], as-user-extra: {x: [y]}}
        - name: u2
          user: {token: hush, tokenFile: token}
        - name: u3
          user:
            exec:
              apiVersion: client.authentication.k8s.io/v1
              command: ./plugin
              args: [get, "7"]
              env: [{name: A, value: B}]
              provideClusterInfo: true
              interactiveMode: IfAvailable
        - {name: bad1, user: {username: a, password: hush}}
        - {name: bad2, user: {client-certificate-data: Y2E=}}
        - {name: bad3, user: {exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}}
        - {name: bad4, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}}}
        - {name: bad5, user: {as-groups: [a]}}
        - {name: bad6, user: {auth-provider: {name: gcp}}}
        contexts:
        - {name: one, context: {cluster: c1, user: u1, namespace: team}}
        - {name: two, context: {cluster: c2, user: u2}}
        - {name: three, context: {cluster: c1, user: u3}}
        - {name: nobody, context: {cluster: c1, user: ""}}
        - {name: noCluster, context: {cluster: c9, user: u1}}
        - {name: noUser, context: {cluster: c1, user: u9}}
        - {name: bad1, context: {cluster: c1, user: bad1}}
        - {name: bad2, context: {cluster: c1, user: bad2}}
        - {name: bad3, context: {cluster: c1, user: bad3}}
        - {name: bad4, context: {cluster: c1, user: bad4}}
        - {name: bad5, context: {cluster: c1, user: bad5}}
        - {name: bad6, context: {cluster: c1, user: bad6}}
        """

    private func configuration(_ context: String? = nil) throws -> KubeClientConfiguration {
        let kubeconfig = try Kubeconfig(parsing: Self.text).resolvingPaths(against: "/home/me/.kube")
        return try KubeClientConfiguration(kubeconfig, context: context, environment: [:])
    }

    @Test func readsClustersAndUsers() throws {
        let one = try configuration()
        #expect(one.server.verification == .authorities(.file("/home/me/.kube/ca.pem")))
        #expect(one.server.serverName == "api" && one.server.proxy == "socks5://p:1" && one.namespace == "team")
        #expect(one.server.origin == "https://api:6443" && one.server.authority == "one.example:6443")
        #expect(
            one.credentials.certificate == .init(chain: .file("/abs/c.pem"), key: .file("/home/me/.kube/keys/k.pem"))
        )
        #expect(one.impersonation == Impersonation(user: "jane", groups: ["a", "b"], extra: ["x": ["y"]]))
        let two = try configuration("two")
        #expect(two.server.verification == .none && two.namespace == "default" && two.impersonation == nil)
        guard case .file("/home/me/.kube/token", fallback: "hush") = two.credentials.token else {
            Issue.record("\(String(describing: two.credentials.token))")
            return
        }
        #expect(try configuration("nobody").credentials.token == nil)
    }

    /// Unless somebody says otherwise, a server has to prove who it is.
    @Test func verifiesByDefault() throws {
        let text = """
            {"clusters":[{"name":"c","cluster":{"server":"https://c"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":""}}]}
            """
        let configuration = try KubeClientConfiguration(Kubeconfig(parsing: text), context: "x", environment: [:])
        #expect(configuration.server.verification == .systemAuthorities)
        #expect(try configuration.server.tlsConfiguration().certificateVerification == .fullVerification)
    }

    @Test func readsPlugins() throws {
        let plugin = try #require(try configuration("three").credentials.plugin)
        #expect(
            plugin.command == "/home/me/.kube/./plugin" && plugin.arguments == ["get", "7"]
                && plugin.variables == ["A": "B"]
        )
        #expect(
            plugin.clusterInfo?["server"] == "https://one.example:6443"
                && plugin.clusterInfo?["tls-server-name"] == "api"
        )
        #expect(plugin.question["apiVersion"] == "client.authentication.k8s.io/v1")
    }

    @Test(arguments: [
        ("noCluster", "no cluster 'c9'"), ("noUser", "no user 'u9'"), ("bad1", "password"), ("bad2", "without a key"),
        ("bad3", "v1alpha1"), ("bad4", "ask a person"), ("bad5", "does not name"), ("bad6", "auth-provider"),
        ("missing", "none of that name"),
    ])
    func saysWhatCannotBeUsed(_ context: String, _ words: String) {
        let error = #expect(throws: KubeError.self) { try configuration(context) }
        #expect(
            error?.kind == .invalidConfiguration && error?.description.contains(words) == true,
            "\(error.map(\.description) ?? "")"
        )
        #expect(error?.description.contains("hush") == false)
    }

    @Test func theFirstFileThatSaysSomethingCounts() async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/b", withIntermediateDirectories: true)
            try """
            clusters: [{name: c, cluster: {server: "https://first", certificate-authority: ca}}]
            users: [{name: u, user: {token: first}}]
            """.write(toFile: "\(folder)/a", atomically: true, encoding: .utf8)
            try """
            current-context: x
            clusters: [{name: c, cluster: {server: "https://second"}}, {name: d, cluster: {server: "https://d", certificate-authority: ca}}]
            contexts: [{name: x, context: {cluster: c, user: u}}, {name: y, context: {cluster: d, user: u}}]
            """.write(toFile: "\(folder)/b/config", atomically: true, encoding: .utf8)
            try "".write(toFile: "\(folder)/empty", atomically: true, encoding: .utf8)
            let environment = [
                "KUBECONFIG": "\(folder)/nothing:\(folder)/empty:\(folder)/a::\(folder)/b/config", "HOME": "/nowhere",
            ]
            let merged = try Kubeconfig.load(environment: environment)
            let x = try KubeClientConfiguration(merged, environment: [:])
            #expect(x.server.address == "https://first" && x.server.verification == .authorities(.file("\(folder)/ca")))
            let y = try KubeClientConfiguration(merged, context: "y", environment: [:])
            #expect(y.server.verification == .authorities(.file("\(folder)/b/ca")), "relative to the file that says it")
            #expect(Kubeconfig.files(environment: ["HOME": "/root"]) == ["/root/.kube/config"])
            let missing = #expect(throws: KubeError.self) {
                try Kubeconfig.load(environment: ["KUBECONFIG": "\(folder)/nothing"])
            }
            #expect(missing?.description.contains("\(folder)/nothing") == true)
        }
    }

    @Test(arguments: [
        ("clusters: [", "no YAML at line"), ("clusters: 7", "clusters is a number, not an array"),
        ("users: [{name: u, user: {token: [hush]}}]", "users.0.user.token is an array, not a string"),
        ("clusters: [{name: c}, {name: c}]", "two of the cluster 'c'"),
        ("users: [{name: u, user: {token: \"hush}]", "no YAML"),
        ("- a", "is an array, not an object"), ("a: &a [*a]", "no YAML"), ("? [a]\n: b", "a key that is no text"),
        ("users: [{name: u, user: {client-key-data: 'hush!'}}]", "client-key-data is no base64"),
    ])
    func saysWhatIsWrongWithAFile(_ text: String, _ words: String) {
        let error = #expect(throws: KubeError.self) { try Kubeconfig(parsing: text, subject: "/etc/kube") }
        #expect(error?.description.contains(words) == true, "\(error.map(\.description) ?? "")")
        #expect(
            error?.description.hasPrefix("could not read /etc/kube: ") == true
                && error?.description.contains("hush") == false
        )
    }

    /// A file of a few hundred bytes that stands for gigabytes.
    @Test func aliasesDoNotFillTheMemory() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(throws: KubeError.self) { try Kubeconfig(parsing: text) }
    }

    @Test func survivesAnything() {
        var mutator = Mutator(
            seed: 8,
            fragments: ["{", "}", "[", "]", ":", "-", "\n", "  ", "&a", "*a", "!!", "\"", "'", "|", "null", "\u{0}"]
        )
        var budget = FuzzBudget(300)
        while budget.goesOn() {
            guard let config = try? Kubeconfig(parsing: mutator.text(of: [Self.text])) else { continue }
            for context in config.contexts.prefix(20) {
                _ = try? KubeClientConfiguration(config, context: context.name, environment: [:])
            }
        }
    }

    @Test func findsThePodsOwnCluster() async throws {
        try await withTemporaryFolder { folder in
            let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
            #expect(throws: KubeError.self) { try KubeClientConfiguration.inCluster(environment: [:], folder: folder) }
            #expect(throws: KubeError.self) {
                try KubeClientConfiguration.inCluster(environment: environment, folder: folder)
            }
            for (name, text) in [("token", "t\n"), ("ca.crt", "ca"), ("namespace", "team\n")] {
                try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            }
            let configuration = try KubeClientConfiguration.inCluster(environment: environment, folder: folder)
            #expect(configuration.server.origin == "https://[fd00::1]:443" && configuration.namespace == "team")
            #expect(configuration.server.verification == .authorities(.bytes(Array("ca".utf8))))
        }
    }

    @Test(arguments: [
        "", "ftp://a", "https://", "https://a:99999", "https://u:p@a", "https://a?b", "https://a b", "https://a#b",
    ])
    func refusesWhatIsNoAddress(_ address: String) {
        #expect(throws: KubeError.self) { try ServerEndpoint(address) }
    }
}
