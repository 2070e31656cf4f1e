// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SnapshotProvider
import Testing

@testable import Controller

/// What of a pod's definition is told to images. Pure.
@Suite("How a pod runs its containers")
struct PodExecutionTests {
    private func pod(_ configure: (inout Container, inout PodSpec) -> Void) -> Pod {
        .with { pod in
            var container = Container.with { $0.name = "main" }
            configure(&container, &pod.spec)
            pod.spec.containers = [container]
        }
    }

    @Test("is told as it is written")
    func all() throws {
        let pod = pod { container, spec in
            container.command = ["/bin/run"]
            container.args = ["--token", "$(TOKEN)"]
            container.workingDir = "/srv"
            container.ports = [
                .with { $0.containerPort = 8080 }, .with { ($0.containerPort, $0.protocol) = (53, "UDP") },
            ]
            container.resources = .with {
                $0.limits = ["cpu": Quantity(milli: 500), "memory": 1_000_000]
                $0.requests = ["cpu": Quantity(milli: 100)]
            }
            container.volumeMounts = [VolumeMount("b", at: "/b"), VolumeMount("a", at: "/a")]
            container.securityContext = .with { $0.runAsUser = 1000 }
            spec.securityContext = .with { ($0.runAsUser, $0.runAsGroup) = (1, 2) }
        }
        let execution = try #require(pod.execution(of: "main", environment: .names))
        #expect(execution.command == ["/bin/run"])
        #expect(execution.arguments == ["--token", "$(TOKEN)"])
        #expect(execution.workingDirectory == "/srv")
        #expect(execution.user == "1000:2")
        #expect(execution.ports == ["53/udp", "8080/tcp"])
        #expect(execution.limits == ["cpu": "500m", "memory": "1M"])
        #expect(execution.requests == ["cpu": "100m"])
        #expect(execution.mounts == ["/a", "/b"])
        #expect(pod.execution(of: "other", environment: .names) == nil)
    }

    @Test("of variables the names, and values only if they are asked for and stand there as they are")
    func environment() throws {
        let pod = pod { container, _ in
            container.env = [
                EnvVar("PLAIN", "value"), EnvVar("MADE", "a$(SECRET)b"),
                .with {
                    $0.name = "SECRET"
                    $0.unknownFields["valueFrom"] = RawJSON(["secretKeyRef": ["name": "s", "key": "k"]])
                },
                .with {
                    // Not valid, but nobody's value must get in by it.
                    $0.name = "BOTH"
                    $0.value = "value"
                    $0.unknownFields["valueFrom"] = RawJSON(["fieldRef": ["fieldPath": "metadata.name"]])
                },
            ]
        }
        let names = try #require(pod.execution(of: "main", environment: .names))
        #expect(names.environmentNames == ["BOTH", "MADE", "PLAIN", "SECRET"])
        #expect(names.environment == [:])
        let values = try #require(pod.execution(of: "main", environment: .values))
        #expect(values.environment == ["PLAIN": "value"])
    }

    @Test("without what the server has put before the command, which no image has")
    func bootstrap() {
        let pod = pod { container, _ in
            container.command = ["/opt/opensandbox/bootstrap.sh", "tail", "-f", "/dev/null"]
        }
        #expect(pod.execution(of: "main", environment: .names)?.command == ["tail", "-f", "/dev/null"])
    }

    @Test("is not told if an annotation has no room for it")
    func large() {
        let pod = pod { container, _ in container.args = [String(repeating: "x", count: 20_000)] }
        #expect(pod.execution(of: "main", environment: .names) == nil)
    }
}
