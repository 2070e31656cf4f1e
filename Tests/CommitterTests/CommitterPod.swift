// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SnapshotEngine
import TestSupport
import Testing

/// A pod of two containers as the kubelet labels them, with the registry that its image is from: `main`, which has written
/// `/root/data`, and `side`. Between the pod's node and the registry are two proxies, one that holds requests back and one
/// that does harm; both do nothing until they are told to.
struct CommitterPod: Sendable {
    let name: String
    let uid: String
    let main: TestContainer
    let side: TestContainer
    let program: CommitterProgram
    let daemon: ContainerdDaemon
    let registry: DockerRegistry
    let holding: HoldingProxy
    let faults: FaultProxy

    /// The repository of its image.
    var base: String { "\(holding.authority)/team/base" }
    /// Where `main`'s image goes.
    var target: String { "\(holding.authority)/team/\(name):1" }
    /// Where `side`'s goes.
    var sideTarget: String { "\(holding.authority)/team/\(name)-side:1" }

    var areFrozen: Bool { main.isFrozen && side.isFrozen }
    var isAnyFrozen: Bool { main.isFrozen || side.isFrozen }

    /// Runs a pod for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - daemon: Where; nil for the one that all tests share.
    ///   - megabytes: How much `main` has written besides.
    ///   - storage: Where the registry stores.
    ///   - sharingProcesses: Whether `side` sees the processes of `main`.
    ///   - sideScript: What `side` does.
    ///   - spin: What it does instead.
    static func with(
        _ daemon: ContainerdDaemon? = nil,
        megabytes: Int = 0,
        storage: String? = nil,
        sharingProcesses: Bool = false,
        sideScript: String = "sleep 9999",
        spinning spin: SpinProgram? = nil,
        _ body: (CommitterPod) async throws -> Void
    ) async throws {
        let daemon = if let daemon { daemon } else { try await ContainerdDaemon.shared() }
        try await DockerRegistry.run(storage: storage) { registry in
            try await FaultProxy.run(before: registry.authority) { faults in
                try await HoldingProxy.run(before: faults.authority) { holding in
                    let repository = "\(holding.authority)/team/base"
                    let image = try await BusyboxImage.shared()
                    try await image.push(to: repository)
                    try await image.importInto(daemon, repository: repository)
                    let script = """
                        dd if=/dev/urandom of=/root/bulk bs=1M count=\(megabytes)
                        echo precious > /root/data
                        sleep 9999
                        """
                    try await run(
                        daemon,
                        image: "\(repository):1",
                        scripts: (script, sideScript),
                        sharingProcesses,
                        spin
                    ) {
                        name,
                        main,
                        side in
                        try await body(
                            CommitterPod(
                                name: name,
                                uid: "uid-\(name)",
                                main: main,
                                side: side,
                                program: CommitterProgram(daemon: daemon),
                                daemon: daemon,
                                registry: registry,
                                holding: holding,
                                faults: faults
                            )
                        )
                    }
                    try await daemon.ctr("images", "rm", "\(repository):1")
                }
            }
        }
    }

    private static func run(
        _ daemon: ContainerdDaemon,
        image: String,
        scripts: (main: String, side: String),
        _ sharingProcesses: Bool,
        _ spin: SpinProgram?,
        _ body: (String, TestContainer, TestContainer) async throws -> Void
    ) async throws {
        let name = "pod-\(UInt32.random(in: 0 ... .max))"
        let labels = [
            "io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": "team",
            "io.kubernetes.pod.uid": "uid-\(name)", "io.cri-containerd.kind": "container",
        ]
        try await TestContainer.with(
            daemon,
            image: image,
            arguments: ["/bin/sh", "-ec", scripts.main],
            labels: labels.merging(["io.kubernetes.container.name": "main"]) { $1 }
        ) { main in
            try await TestContainer.with(
                daemon,
                image: image,
                arguments: spin?.arguments ?? ["/bin/sh", "-ec", scripts.side],
                labels: labels.merging(["io.kubernetes.container.name": "side"]) { $1 },
                mounts: spin.map { ["/spin": $0.folder] } ?? [:],
                processesOf: sharingProcesses ? main : nil
            ) { side in
                try await eventually { FileManager.default.fileExists(atPath: "/proc/\(main.pid)/root/root/data") }
                try await body(name, main, side)
            }
        }
    }

    /// More megabytes than a commit reads before it waits for the registry.
    static let tooMuchToWait = 64

    /// Commits `main` with everything copied under the freeze, while the registry takes nothing of it: the pod is frozen, and
    /// not all of it has been read. Needs `tooMuchToWait`.
    ///
    /// - Parameters:
    ///   - environment: Further variables.
    ///   - meanwhile: What to do in that state, with the committer's process ID. The registry takes more afterwards.
    func commitHeld(
        _ environment: [String: String] = [:],
        _ meanwhile: @Sendable (pid_t) async throws -> Void
    ) async throws -> CommitterProgram.Ending {
        var program = program
        program.environment.merge(environment) { $1 }
        holding.holdOnce("PATCH", containing: "/blobs/uploads/")
        return try await program.run("commit", "--consistency", "freeze", name, "team", "main:\(target)") { running in
            await holding.waitUntilHeld()
            #expect(areFrozen)
            try await meanwhile(running.processID)
            holding.release()
        }
    }

    /// Returns when the kernel has frozen both containers.
    func waitUntilFrozen() async throws {
        try await Self.eventually { areFrozen }
    }

    /// Returns when the kernel has thawed both containers.
    func waitUntilThawed() async throws {
        try await Self.eventually { !isAnyFrozen }
    }

    /// Returns when something is so; the kernel tells nobody.
    static func eventually(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(2)) }
    }

    /// The freezes of the pod that are written down.
    func freezes() async throws -> [FreezeRecord] {
        try await daemon.withClient { try await FreezeRecovery(client: $0).records() }
            .filter { $0.containers.contains(main.id) }
    }

    /// Runs a command in a container and returns what it printed.
    @discardableResult
    func exec(_ container: TestContainer, _ script: String) async throws -> String {
        let id = "e\(UInt32.random(in: 0 ... .max))"
        return try await daemon.ctr("tasks", "exec", "--exec-id", id, container.id, "sh", "-euc", script)
    }

    /// The name of an image at the registry itself, past the proxies.
    func direct(_ image: String) -> String {
        image.replacingOccurrences(of: holding.authority, with: registry.authority)
    }

    /// What skopeo says of an image.
    struct Inspection: Decodable {
        var Digest: String
        var Layers: [String]
    }

    /// The media types of an image's layers.
    func layerTypes(of image: String) async throws -> [String] {
        struct Manifest: Decodable {
            struct Layer: Decodable {
                var mediaType: String
            }
            var layers: [Layer]
        }
        let text = try await Command.run(
            "skopeo",
            ["inspect", "--raw", "--tls-verify=false", "docker://\(direct(image))"]
        )
        return try JSONDecoder().decode(Manifest.self, from: Data(text.utf8)).layers.map(\.mediaType)
    }

    /// Asks skopeo for an image.
    ///
    /// - Throws: `Command.Failure` if there is none.
    func inspect(_ image: String) async throws -> Inspection {
        let text = try await Command.run("skopeo", ["inspect", "--tls-verify=false", "docker://\(direct(image))"])
        return try JSONDecoder().decode(Inspection.self, from: Data(text.utf8))
    }
}
