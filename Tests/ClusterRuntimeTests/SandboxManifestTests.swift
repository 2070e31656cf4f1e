// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterView
import KubeModels
import SandboxModels
import Testing

import struct Foundation.Date

@testable import ClusterRuntime

/// What a request becomes.
@Suite struct SandboxManifestTests {
    static let id = "11111111-1111-4111-8111-111111111111"

    static func configuration(
        _ configure: (inout ClusterRuntimeConfiguration) -> Void = { _ in }
    ) -> ClusterRuntimeConfiguration {
        var configuration = ClusterRuntimeConfiguration(namespace: "sandboxes", execdImage: "execd:1")
        configure(&configuration)
        return configuration
    }

    static func object(
        _ spec: SandboxSpec,
        expiresAt: Date? = nil,
        _ configuration: ClusterRuntimeConfiguration = configuration(),
        _ configure: (inout SandboxManifest) -> Void = { _ in }
    ) throws -> BatchSandbox {
        var manifest = SandboxManifest(spec: spec, id: id, expiresAt: expiresAt, image: spec.image)
        configure(&manifest)
        return try manifest.object(configuration)
    }

    static let plain = SandboxSpec(
        image: "i:1",
        entrypoint: ["sleep", "9"],
        environment: ["B": "2", "A": "1"],
        resourceLimits: ["cpu": "500m", "memory": "64Mi", "gpu": "1"],
        metadata: ["team": "a"],
        extensions: ["access.renew.extend.seconds": "600", "opensandbox.extensions.x": "y"]
    )

    @Test func whatAnotherOneIsToBeLike() throws {
        let object = try Self.object(Self.plain)
        let sandbox = Sandbox(object)
        #expect(sandbox.spec.environment.isEmpty && sandbox.spec.resourceLimits.isEmpty)
        let spec = sandbox.spec.completed(by: object)
        #expect(spec.environment == Self.plain.environment)
        // Under the name that the cluster has for it, which a create takes as well.
        #expect(spec.resourceLimits == ["cpu": "500m", "memory": "64Mi", "nvidia.com/gpu": "1"])
        #expect(try Self.object(spec).spec.template == object.spec.template)
    }

    @Test func plainSandbox() throws {
        let object = try Self.object(Self.plain, expiresAt: Date(timeIntervalSince1970: 1_800_000_000))
        #expect(object.metadata.name == Self.id)
        #expect(object.metadata.labels == ["opensandbox.io/id": Self.id, "team": "a"])
        #expect(object.metadata.annotations["opensandbox.io/access-renew-extend-seconds"] == "600")
        #expect(object.metadata.annotations["opensandbox.io/extensions.x"] == "y")
        #expect(object.spec.replicas == 1)
        #expect(object.spec.expireTime?.date == Date(timeIntervalSince1970: 1_800_000_000))
        #expect(Sandbox(object).spec.entrypoint == ["sleep", "9"])
        #expect(Sandbox(object).spec.image == "i:1")
        #expect(Sandbox(object).spec.extensions == Self.plain.extensions)

        let template = try #require(try object.spec.podTemplate())
        #expect(template.metadata?.labels == object.metadata.labels)
        #expect(template.spec.automountServiceAccountToken == false)
        let installer = try #require(template.spec.initContainers.first)
        #expect(installer.name == "execd-installer" && installer.image == "execd:1")
        #expect(installer.securityContext == nil)
        let container = try #require(template.spec.containers.first)
        #expect(template.spec.containers.count == 1)
        #expect(container.name == "sandbox" && container.image == "i:1")
        #expect(container.imagePullPolicy == "IfNotPresent")
        #expect(container.command == ["/opt/opensandbox/bootstrap.sh", "sleep", "9"])
        #expect(container.env.map(\.name) == ["A", "B", "OPENSANDBOX_ID", "EXECD"])
        #expect(
            container.resources?.limits == [
                "cpu": Quantity(milli: 500), "memory": Quantity(64 << 20), "nvidia.com/gpu": 1,
            ]
        )
        #expect(container.resources?.requests == container.resources?.limits)
        #expect(container.volumeMounts == [VolumeMount("opensandbox-bin", at: "/opt/opensandbox")])
    }

    @Test func withoutEnd() throws {
        let object = try Self.object(Self.plain) { $0.createdUntil = Date(timeIntervalSince1970: 1) }
        #expect(object.metadata.labels["opensandbox.io/manual-cleanup"] == "true")
        #expect(object.spec.expireTime == nil)
        #expect(object.metadata.annotations["stasis.dev/created-until"] == "1970-01-01T00:00:01.000000Z")
    }

    @Test func fromPool() throws {
        var spec = Self.plain
        var options = SandboxOptions()
        options.pool = "warm"
        spec.options = options
        spec.entrypoint = ["sh", "-c", "echo 'it''s' $A"]
        let object = try Self.object(spec)
        #expect(object.spec.poolRef == "warm")
        #expect(object.spec.template == nil)
        let process = try #require(try object.spec.decodedTaskTemplate()?.spec.process)
        #expect(process.command.prefix(2) == ["/bin/sh", "-c"])
        let script = try #require(process.command.last)
        #expect(script.hasPrefix("exec /opt/opensandbox/bootstrap.sh sh -c '"))
        #expect(process.env.map(\.name) == ["A", "B", "OPENSANDBOX_ID"])
    }

    @Test func networkPolicy() throws {
        var spec = Self.plain
        var options = SandboxOptions()
        options.networkPolicy = NetworkPolicy(defaultAction: .deny, egress: [.init(.allow, "pypi.example")])
        options.credentialProxy = true
        spec.options = options
        #expect(throws: SandboxError.self) { try Self.object(spec) }
        let configuration = Self.configuration { $0.egress = .init(image: "egress:1") }
        let object = try Self.object(spec, configuration) { $0.egressToken = "t" }
        #expect(object.metadata.annotations["opensandbox.io/egress-auth-token"] == "t")
        let pod = try #require(try object.spec.podTemplate()).spec
        #expect(pod.containers.map(\.name) == ["sandbox", "egress"])
        #expect(pod.containers[0].securityContext?.capabilities?.drop == ["NET_ADMIN"])
        #expect(pod.containers[1].securityContext?.capabilities?.add == ["NET_ADMIN"])
        let environment = Dictionary(uniqueKeysWithValues: pod.containers[1].env.map { ($0.name, $0.value) })
        #expect(
            environment["OPENSANDBOX_EGRESS_RULES"]
                == #"{"defaultAction":"deny","egress":[{"action":"allow","target":"pypi.example"}]}"#
        )
        #expect(environment["OPENSANDBOX_EGRESS_TOKEN"] == "t")
        #expect(pod.initContainers.first?.securityContext?.privileged == true)
    }

    @Test func templateIsBeneath() throws {
        let configuration = Self.configuration {
            $0.template = [
                "metadata": ["labels": ["from": "template", "team": "template"]],
                "spec": [
                    "template": [
                        "spec": [
                            "restartPolicy": "Never", "serviceAccountName": "own",
                            "nodeSelector": ["kubernetes.io/os": "linux"],
                            "tolerations": [["operator": "Exists"]],
                            "volumes": [
                                ["name": "shared", "emptyDir": [:]],
                                ["name": "opensandbox-bin", "hostPath": ["path": "/"]],
                            ],
                            "containers": [
                                [
                                    "name": "sandbox", "image": "other",
                                    "volumeMounts": [["name": "shared", "mountPath": "/shared"]],
                                ]
                            ],
                        ]
                    ]
                ],
            ]
        }
        var spec = Self.plain
        spec.platform = "linux/amd64"
        let object = try Self.object(spec, configuration)
        #expect(object.metadata.labels["from"] == "template")
        #expect(object.metadata.labels["team"] == "a")
        let pod = try #require(try object.spec.podTemplate()).spec
        #expect(pod.restartPolicy == "Never")
        #expect(pod.serviceAccountName == "own")
        #expect(pod.tolerations.count == 1)
        #expect(pod.nodeSelector == ["kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"])
        #expect(pod.volumes.map(\.name) == ["opensandbox-bin", "shared"])
        #expect(pod.volumes[0].hostPath == nil)
        #expect(pod.containers.count == 1)
        #expect(pod.containers[0].image == "i:1")
        #expect(pod.containers[0].volumeMounts.map(\.mountPath) == ["/opt/opensandbox", "/shared"])
        spec.platform = "windows/amd64"
        #expect(throws: SandboxError.self) { try Self.object(spec, configuration) }
    }

    @Test func volumes() throws {
        var spec = Self.plain
        spec.volumes = [
            SandboxVolume(name: "h", source: .host(path: "/data/a"), mountPath: "/h", isReadOnly: true),
            SandboxVolume(name: "opensandbox-bin", source: .named(.init(name: "claim")), mountPath: "/c", subPath: "x"),
        ]
        #expect(throws: SandboxError.self) { try Self.object(spec) }
        let object = try Self.object(spec, Self.configuration { $0.allowedHostPaths = ["/data/"] })
        let pod = try #require(try object.spec.podTemplate()).spec
        #expect(pod.volumes.map(\.name) == ["opensandbox-bin", "h", "user-opensandbox-bin"])
        #expect(pod.volumes[1].hostPath?.path == "/data/a")
        #expect(pod.volumes[2].persistentVolumeClaim?.claimName == "claim")
        #expect(pod.containers[0].volumeMounts[1].readOnly == true)
        #expect(pod.containers[0].volumeMounts[2].subPath == "x")
        for path in ["/database", "/data/../etc", "/"] where path != "/data/../etc" {
            #expect(!PodVolumes.isAllowed(path, by: ["/data"]), "\(path)")
        }
        spec.volumes = [SandboxVolume(name: "v", source: .named(.init(name: "c")), mountPath: "/opt/opensandbox/x")]
        #expect(throws: SandboxError.self) { try Self.object(spec) }
    }

    @Test(arguments: ["", "1x", "-1", "all"])
    func badQuantities(_ text: String) throws {
        var spec = Self.plain
        spec.resourceLimits = ["cpu": text]
        #expect(throws: SandboxError.self) { try Self.object(spec) }
    }

    @Test func identities() {
        let first = SandboxIdentity.of(key: "k", namespace: "a")
        #expect(first == SandboxIdentity.of(key: "k", namespace: "a"))
        #expect(first != SandboxIdentity.of(key: "k", namespace: "b"))
        #expect(first.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        #expect(SandboxIdentity.random() != SandboxIdentity.random())
    }

    @Test(
        arguments: [
            ("busybox", "https://index.docker.io/v1/"), ("docker.io/a/b:1", "https://index.docker.io/v1/"),
            ("team/b", "https://index.docker.io/v1/"), ("reg.example/a", "reg.example"), ("host:5000/a:1", "host:5000"),
            ("localhost/a", "localhost"),
        ]
    )
    func registries(_ image: String, _ registry: String) {
        #expect(ImageSecret.registry(of: image) == registry)
    }
}
