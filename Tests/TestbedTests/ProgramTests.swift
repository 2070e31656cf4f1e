// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// Programs as they were built beside the tests, as pods with as few rights as they can do with.
@Suite struct ProgramTests {
    private func pod(_ name: String, image: String, command: String? = nil, security: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          restartPolicy: Never
          enableServiceLinks: false
          containers:
          - name: main
            image: \(image)
            \(command.map { "command: [\($0)]" } ?? "terminationMessagePolicy: FallbackToLogsOnError")
            args: [--help]
            securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, \(security)}
        """
    }

    /// Runs a pod to its end, and gives what it has printed.
    private func run(_ manifest: String, _ name: String, in namespace: TestNamespace) async throws -> String {
        try await namespace.apply(manifest)
        let phase = try await namespace.wait(for: ".status.phase", of: "pod/\(name)") {
            $0 == "Succeeded" || $0 == "Failed"
        }
        let said = try await namespace.kubectl("logs", name)
        #expect(phase == "Succeeded", "\(said)")
        return said
    }

    @Test func runsTheCommitterAsRoot() async throws {
        let testbed = try KubernetesTestbed.find()
        async let first = testbed.pushProgram("stasis-committer")
        async let second = testbed.pushProgram("stasis-committer")
        let image = try await first
        #expect(try await second == image)
        try await testbed.withNamespace { namespace in
            let capabilities = "capabilities: {drop: [ALL]}"
            let manifest = pod("help", image: image, security: capabilities)
            let said = try await run(manifest, "help", in: namespace)
            #expect(said.contains("USAGE: stasis-committer"))
            // As OpenSandbox's controllers start it.
            let command = "/usr/local/bin/image-committer"
            let other = pod("other", image: image, command: command, security: capabilities)
            let alias = try await run(other, "other", in: namespace)
            #expect(alias.contains("USAGE: stasis-committer"))
        }
    }

    @Test func runsTheServerAsNobody() async throws {
        let testbed = try KubernetesTestbed.find()
        let image = try await testbed.pushProgram("stasis-server")
        try await testbed.withNamespace { namespace in
            let security = "runAsNonRoot: true, capabilities: {drop: [ALL]}"
            let manifest = pod("help", image: image, security: security)
            let said = try await run(manifest, "help", in: namespace)
            #expect(said.contains("USAGE: stasis-server"))
        }
    }

    @Test func hasNoShell() async throws {
        let testbed = try KubernetesTestbed.find()
        let image = try await testbed.pushProgram("stasis-committer")
        try await testbed.withNamespace { namespace in
            try await namespace.apply(pod("shell", image: image, command: "/bin/sh", security: "privileged: false"))
            let state = ".status.containerStatuses[0].state.terminated.message"
            let message = try await namespace.wait(for: state, of: "pod/shell") { !$0.isEmpty }
            #expect(message.contains("/bin/sh") && message.contains("no such file"))
        }
    }
}
