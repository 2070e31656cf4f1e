// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What the node of the testbed does for pods.
@Suite struct PodTests {
    private func pod(
        _ name: String,
        image: String,
        command: String,
        secret: String? = nil,
        grace: Int = 1
    ) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: \(grace)
          \(secret.map { "imagePullSecrets: [{name: \($0)}]" } ?? "enableServiceLinks: false")
          containers:
          - {name: main, image: "\(image)", command: [sh, -c, "\(command)"]}
        """
    }

    @Test func runsAndCanBeLookedInto() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            let manifest = pod("one", image: namespace.testbed.busybox, command: "echo said; exec sleep 3600")
            try await namespace.apply(manifest)
            try await namespace.wait(for: "Ready", of: "pod/one")
            #expect(try await namespace.kubectl("logs", "one") == "said")
            let script = "read x; echo got $x; id -u"
            let answer = try await namespace.shell("one", script, input: "it\n")
            #expect(answer == "got it\n0")
            let failure = try await #require(throws: KubernetesTestbed.Failure.self) {
                try await namespace.shell("one", "exit 7")
            }
            #expect(failure.description.contains("exit code 7"))
        }
    }

    @Test func isReachedFromThisMachineAndReachesTheAPI() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            try await namespace.apply(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: server}
                spec:
                  containers:
                  - name: main
                    image: \(namespace.testbed.busybox)
                    readinessProbe: {httpGet: {path: /ping, port: 44772}, periodSeconds: 1}
                """
            )
            try await namespace.wait(for: "Ready", of: "pod/server")
            let address = try await namespace.field(".status.podIP", of: "pod/server")
            #expect(try await Command.run("curl", ["--silent", "--fail", "http://\(address):44772/ping"]) == "pong\n")
            // Through its service, which is a rule of kube-proxy.
            try await namespace.shell("server", "nc -w 30 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null")
        }
    }

    @Test func theNodeHasNoWayOut() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            try await namespace.apply(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: routes}
                spec:
                  hostNetwork: true
                  restartPolicy: Never
                  containers:
                  - {name: main, image: "\(namespace.testbed.busybox)", command: [ip, route]}
                """
            )
            try await namespace.wait(for: ".status.phase", of: "pod/routes") { $0 == "Succeeded" }
            let routes = try await namespace.kubectl("logs", "routes")
            #expect(routes.contains("dev stasis-pods"))
            #expect(!routes.contains("default"))
        }
    }

    @Test func pullsWithASecretWhatItMayNotPullWithout() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            let testbed = namespace.testbed
            let image = "\(testbed.loginRegistry)/\(namespace.name)/busybox:1"
            try await Command.run(
                "skopeo",
                [
                    "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false",
                    "--dest-authfile", testbed.login, "docker://\(testbed.busybox)", "docker://\(image)",
                ]
            )
            try await namespace.apply(pod("without", image: image, command: "exec sleep 3600"))
            let reason = ".status.containerStatuses[0].state.waiting.reason"
            try await namespace.wait(for: reason, of: "pod/without") {
                $0 == "ErrImagePull" || $0 == "ImagePullBackOff"
            }
            try await namespace.makePullSecret("login")
            try await namespace.apply(pod("with", image: image, command: "exec sleep 3600", secret: "login"))
            try await namespace.wait(for: "Ready", of: "pod/with")
        }
    }

    @Test func aJobOnTheNodeReachesContainerd() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            let testbed = namespace.testbed
            try await namespace.apply(
                """
                apiVersion: batch/v1
                kind: Job
                metadata: {name: look}
                spec:
                  backoffLimit: 0
                  ttlSecondsAfterFinished: 300
                  template:
                    spec:
                      restartPolicy: Never
                      nodeName: \(testbed.node)
                      containers:
                      - name: main
                        image: \(testbed.busybox)
                        command: [sh, -c, "test -S /node/containerd.sock && echo found >/dev/termination-log"]
                        securityContext: {privileged: true}
                        volumeMounts: [{name: socket, mountPath: /node/containerd.sock}]
                      volumes:
                      - {name: socket, hostPath: {path: \(testbed.containerdSocket), type: Socket}}
                """
            )
            try await namespace.wait(for: "Complete", of: "job/look")
            let pod = try await namespace.kubectl("get", "pod", "--selector", "job-name=look", "--output", "name")
            let message = try await namespace.field(".status.containerStatuses[0].state.terminated.message", of: pod)
            #expect(message == "found")
            let timeToLive = try await namespace.field(".spec.ttlSecondsAfterFinished", of: "job/look")
            #expect(timeToLive == "300")
            // The same containerd answers to this machine.
            let containers = try await Command.run(
                "ctr",
                ["--address", testbed.containerdSocket, "--namespace", "k8s.io", "containers", "list"]
            )
            #expect(containers.contains(testbed.busybox))
        }
    }

    @Test func isGoneAtOnceWithoutGrace() async throws {
        try await KubernetesTestbed.find().withNamespace { namespace in
            // It does not end when it is asked to, and has much more time to do so than the test.
            let command = "trap '' TERM; while :; do sleep 1; done"
            try await namespace.apply(
                pod("stubborn", image: namespace.testbed.busybox, command: command, grace: 86400)
            )
            try await namespace.wait(for: "Ready", of: "pod/stubborn")
            try await namespace.kubectl("delete", "pod/stubborn", "--grace-period=0", "--force", "--timeout=60s")
            let left = try await namespace.kubectl("get", "pods", "--output", "name")
            #expect(left == "")
        }
    }
}
