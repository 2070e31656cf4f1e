// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import Testing

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@testable import LocalRuntime

@Suite("From what was asked for and the image to the container")
struct ContainerSpecificationTests {
    private static let image = ImageConfig(
        platform: Platform(os: "linux", architecture: "amd64"),
        config: ImageConfig.Execution(
            user: "app",
            env: ["PATH=/opt/bin", "A=image", "B=image", "EMPTY=", "=nameless", "no-separator", "B=again"],
            entrypoint: ["/entry"],
            cmd: ["one", "two"],
            workingDir: "/srv"
        )
    )

    private func specification(
        id: String = "box",
        image: ImageConfig = Self.image,
        _ change: (inout SandboxSpec) -> Void = { _ in }
    ) throws -> ContainerSpecification {
        var sandbox = SandboxSpec(image: "example/image:1")
        change(&sandbox)
        return try ContainerSpecification(id: id, sandbox: sandbox, image: image)
    }

    private func runtimeSpec(
        _ specification: ContainerSpecification,
        unified: Bool = false,
        openFiles: UInt64 = 524_288
    ) throws -> RuntimeSpec {
        specification.runtimeSpec(
            user: try ContainerUser("10:20", accounts: AccountFiles(passwd: "", group: "")),
            mounts: [.file("/state/box/hosts", at: "/etc/hosts")],
            machine: MachineFeatures(unifiedControlGroups: unified, openFiles: openFiles)
        )
    }

    @Test("without an entrypoint the image's command runs, with one only that")
    func command() throws {
        #expect(try specification().arguments == ["/entry", "one", "two"])
        #expect(try specification { $0.entrypoint = ["sh", "-c", "x"] }.arguments == ["sh", "-c", "x"])
        var image = Self.image
        image.config.entrypoint = nil
        #expect(try specification(image: image).arguments == ["one", "two"])
    }

    @Test("the environment is the defaults, the image's and the owner's, the later winning")
    func environment() throws {
        let specification = try specification { $0.environment = ["A": "owner", "Z": "a=b", "HOSTNAME": "mine"] }
        #expect(
            specification.environment
                == ["PATH=/opt/bin", "HOSTNAME=mine", "A=owner", "B=again", "EMPTY=", "Z=a=b"]
        )
        var bare = Self.image
        bare.config = ImageConfig.Execution(cmd: ["x"])
        let plain = try self.specification(image: bare)
        #expect(plain.environment == ["PATH=\(ContainerSpecification.defaultPath)", "HOSTNAME=box"])
        #expect(plain.workingDirectory == "/")
        #expect(plain.user == "")
    }

    @Test("a request that cannot be carried out is refused with what is wrong")
    func refused() throws {
        func message(image: ImageConfig = Self.image, _ change: (inout SandboxSpec) -> Void) throws -> String {
            let error = try #require(throws: SandboxError.self) { try specification(image: image, change) }
            #expect(error.code == .invalidParameter)
            return error.message
        }
        var silent = Self.image
        silent.config = ImageConfig.Execution()
        #expect(try message(image: silent) { _ in }.contains("command"))
        #expect(try message { $0.entrypoint = [""] }.contains("command"))
        #expect(try message { $0.entrypoint = ["a\u{0}b"] }.contains("zero byte"))
        #expect(try message { $0.environment = ["A=B": "1"] }.contains("`A=B`"))
        #expect(try message { $0.environment = ["": "1"] }.contains("environment"))
        #expect(try message { $0.environment = ["A": "\u{0}"] }.contains("`A`"))
        #expect(try message { $0.resourceLimits = ["gpu": "1"] }.contains("`gpu`"))
        var relative = Self.image
        relative.config.workingDir = "srv"
        #expect(try message(image: relative) { _ in }.contains("`srv`"))
    }

    @Test(
        "identifiers are those that containerd takes",
        arguments: [
            ("a", true), ("0c1f-2.x_y", true), ("11111111-2222-4333-8444-555555555555", true), ("", false),
            ("-a", false), ("a-", false), ("a--b", false), ("a/b", false), ("a b", false), ("ä", false), ("..", false),
            (String(repeating: "a", count: 76), true), (String(repeating: "a", count: 77), false),
        ]
    )
    func identifiers(id: String, valid: Bool) {
        #expect(ContainerSpecification.isIdentifier(id) == valid)
    }

    @Test("limits become control groups")
    func limits() throws {
        let limited = try runtimeSpec(specification { $0.resourceLimits = ["cpu": "500m", "memory": "64Mi"] })
        #expect(limited.linux.resources.cpu == .init(shares: 512, quota: 50_000, period: 100_000))
        #expect(limited.linux.resources.memory == .init(limit: 67_108_864, swap: 67_108_864))
        #expect(limited.linux.cgroupsPath == "/stasis/box")
        let free = try runtimeSpec(specification())
        #expect(free.linux.resources.cpu == nil)
        #expect(free.linux.resources.memory == nil)
        #expect(free.linux.resources.pids.limit == 4096)
    }

    @Test("a control group namespace is made only where there are groups of the second version alone")
    func namespaces() throws {
        let first = try runtimeSpec(specification()).linux.namespaces.map(\.type)
        #expect(Set(first) == ["pid", "ipc", "uts", "mount", "network"])
        let second = try runtimeSpec(specification(), unified: true).linux.namespaces.map(\.type)
        #expect(Set(second) == Set(first).union(["cgroup"]))
    }

    @Test("nothing dangerous is given")
    func confinement() throws {
        let spec = try runtimeSpec(specification(), openFiles: 100)
        #expect(spec.process.noNewPrivileges)
        for name in ["CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_SYS_PTRACE", "CAP_NET_ADMIN", "CAP_SYS_MODULE"] {
            #expect(!spec.process.capabilities.bounding.contains(name))
        }
        #expect(spec.process.rlimits == [.init(type: "RLIMIT_NOFILE", hard: 100, soft: 100)])
        #expect(spec.mounts.first { $0.destination == "/sys" }?.options.contains("ro") == true)
        #expect(spec.mounts.last?.source == "/state/box/hosts")
        #expect(!spec.mounts.contains { $0.destination == "/run" || $0.destination == "/tmp" })
        #expect(spec.linux.resources.devices == [.init(allow: false, access: "rwm")])
    }

    @Test("the document has the specification's names and reads back the same")
    func document() throws {
        let spec = try runtimeSpec(specification { $0.resourceLimits = ["memory": "64Mi"] })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = try encoder.encode(spec)
        #expect(try JSONDecoder().decode(RuntimeSpec.self, from: bytes) == spec)
        let text = String(decoding: bytes, as: UTF8.self)
        for part in [
            #""ociVersion":"1.0.2""#, #""additionalGids":[]"#, #""uid":10"#, #""gid":20"#, #""noNewPrivileges":true"#,
            #""memory":{"limit":67108864,"swap":67108864}"#, #""root":{"path":"rootfs","readonly":false}"#,
            #""cgroupsPath":"/stasis/box""#, #""hostname":"box""#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("oomScoreAdj"))
    }
}
