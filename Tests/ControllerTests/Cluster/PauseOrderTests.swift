// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import KubeClient
import KubeModels
import SandboxModels
import TestSupport
import Testing

/// What is asked for, and edited, while a pause or a resume is on its way.
@Suite("A pause that is not left alone")
struct PauseOrderTests {
    @Test("is neither begun, repeated nor spoiled by an edit of anything else", .timeLimit(.minutes(10)))
    func edits() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run { cluster, proxy in
                try await cluster.createCounting("box", in: folder) { $0.spec.containers.append(Self.sidecar(cluster)) }
                try await cluster.shell("echo aside > /aside", in: "box-0", container: "side")
                try await edit("box", 1, in: cluster)
                #expect(try await cluster.jobsEver().isEmpty)

                // The pause comes with other edits, and more of them follow while it is held up.
                proxy.holdOnce("PUT", containing: "/manifests/snap-")
                try await cluster.edit(
                    "box",
                    ["metadata": ["labels": ["wave": "2"]], "spec": ["pause": true, "expireTime": Self.date(2)]]
                )
                await proxy.waitUntilHeld()
                let snapshot = try await cluster.snapshots.get("box-pause")
                for container in ["main", "side"] {
                    #expect(try await cluster.container(container, of: "box-0").isFrozen)
                }
                try await edit("box", 3, in: cluster)
                #expect(try await cluster.sandboxes.get("box").status?.phase == .pausing)
                proxy.release()
                let paused = try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                let taken = try await cluster.snapshots.get("box-pause")
                #expect(taken.metadata.uid == snapshot.metadata.uid)
                // Both are the template's.
                #expect(taken.status?.containers.map(\.containerName) == ["main", "side"])

                try await edit("box", 4, in: cluster)
                // Paused already, it is not captured once more.
                try await cluster.pauseAgain("box")
                let again = try await cluster.wait(for: "box") {
                    $0.status?.pauseObservedGeneration == $0.metadata.generation
                }
                #expect(again.status?.phase == .paused)
                #expect(again.status?.artifact == paused.status?.artifact)

                // The artifact is verified first.
                proxy.holdOnce("GET", containing: "/manifests/sha256:")
                try await cluster.edit(
                    "box",
                    ["metadata": ["annotations": ["wave": "5"]], "spec": ["pause": false, "expireTime": Self.date(5)]]
                )
                await proxy.waitUntilHeld()
                try await edit("box", 6, in: cluster, isSeen: false)
                #expect(try await cluster.sandboxes.get("box").status?.phase == .resuming)
                proxy.release()
                try await cluster.wait(for: "box") { $0.status?.phase == .succeed }
                #expect(try await cluster.shell("cat /marker", in: "box-0", container: "main") == "kept\n")
                #expect(try await cluster.shell("cat /aside", in: "box-0", container: "side") == "aside\n")
                try await edit("box", 7, in: cluster)
                #expect(try await cluster.jobsEver() == ["box-pause-commit"])

                // A container that the template does not name is frozen, too, but not captured.
                let main = try await cluster.sandboxes.get("box").template(without: "side")
                try await cluster.edit("box", ["spec": ["template": main]])
                proxy.holdOnce("PUT", containing: "/manifests/snap-")
                try await cluster.setPause(true, of: "box")
                await proxy.waitUntilHeld()
                #expect(try await cluster.container("side", of: "box-0").isFrozen)
                proxy.release()
                try await cluster.wait(for: "box") { $0.status?.phase == .paused }
                let second = try await cluster.snapshots.get("box-pause")
                #expect(second.status?.containers.map(\.containerName) == ["main"])
            }
        }
    }

    @Test("ends when it is to run or to be deleted, and nothing is left of it", .timeLimit(.minutes(10)))
    func orders() async throws {
        try await withTemporaryFolder { folder in
            try await SandboxCluster.run(isControlled: false) { cluster, proxy in
                try await cluster.control(cluster.client) {
                    let container = try await cluster.createCounting("box", in: folder)
                    proxy.holdOnce("PUT", containing: "/manifests/snap-")
                    try await cluster.setPause(true, of: "box")
                    await proxy.waitUntilHeld()
                    try await cluster.setPause(false, of: "box")
                    let running = try await cluster.wait(for: "box") {
                        $0.status?.pauseObservedGeneration == $0.metadata.generation && $0.status?.phase == .succeed
                    }
                    #expect(running.status?.conditions["PauseFailed"]?.reason == "PauseCancelled")
                    #expect(!container.isFrozen)
                    #expect(try await cluster.container(of: "box-0").id == container.id)
                    proxy.release()
                    try await Counter(folder: folder).waitUntilItCounts()
                    try await cluster.waitUntilNothingIsLeft(of: "box")
                }

                // Once the seal was asked for there is no way back before the answer, so it is paused first, and then resumed.
                let sealed = try await cluster.captureAlone("box", proxy)
                let holder = try await cluster.holder(of: "box")
                holder.send(SIGSTOP)
                try await cluster.control(cluster.client) {
                    try await cluster.wait(for: "box") { $0.record.contains("sealing") }
                    try await cluster.setPause(false, of: "box")
                    holder.send(SIGCONT)
                    try await cluster.wait(for: "box") {
                        $0.status?.pauseObservedGeneration == $0.metadata.generation && $0.status?.phase == .succeed
                    }
                    #expect(try await cluster.container(of: "box-0").id != sealed.id)
                    #expect(try await cluster.shell("cat /marker", in: "box-0") == "kept\n")

                    proxy.holdOnce("PUT", containing: "/manifests/snap-")
                    try await cluster.setPause(true, of: "box")
                    await proxy.waitUntilHeld()
                    try await deleteAndExpectNothing("box", in: cluster)
                    proxy.release()
                    try await cluster.createCounting("box", in: folder)
                    try await cluster.expectPause(of: "box")
                    try await deleteAndExpectNothing("box", in: cluster)
                }
            }
        }
    }

    // MARK: - Parts

    private func deleteAndExpectNothing(_ name: String, in cluster: SandboxCluster) async throws {
        let sandbox = try await cluster.sandboxes.get(name)
        _ = try await cluster.sandboxes.delete(name)
        try await cluster.waitUntilGone(in: cluster.sandboxes, name)
        try await cluster.waitUntilGone(in: cluster.pods, "\(name)-0")
        try await cluster.waitUntilGone(in: cluster.snapshots, "\(name)-pause")
        let jobs: ResourceClient<Job> = cluster.client.resource(in: .named(cluster.namespace))
        try await cluster.waitUntilGone(in: jobs, "\(name)-pause-commit")
        // A holder that is told to end tidies up on its way, and its Job does not wait for it.
        try await cluster.waitUntilPodsAreGone(of: name)
        while try await !cluster.freezes(containing: sandbox.metadata.uid ?? "").isEmpty {
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Edits everything but the wish, one after the other, and waits until the controller has seen the last one.
    ///
    /// - Parameter isSeen: False if it is busy with asking the registry.
    private func edit(_ name: String, _ number: Int, in cluster: SandboxCluster, isSeen: Bool = true) async throws {
        let text = JSONValue.string("\(number)")
        try await cluster.edit(name, ["metadata": ["labels": ["wave": text]]])
        try await cluster.edit(name, ["metadata": ["annotations": ["example.com/metadata": text]]])
        try await cluster.edit(name, ["spec": ["expireTime": Self.date(number)]])
        guard isSeen else { return }
        try await cluster.wait(for: name) { $0.status?.observedGeneration == $0.metadata.generation }
    }

    private static func date(_ number: Int) -> JSONValue { .string("2099-01-0\(number)T00:00:00Z") }

    private static func sidecar(_ cluster: SandboxCluster) -> Container {
        .with {
            $0.name = "side"
            $0.image = cluster.image
            $0.command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]
        }
    }
}

extension BatchSandbox {
    /// Its template without a container.
    fileprivate func template(without name: String) throws -> JSONValue {
        var template = try spec.podTemplate()
        template?.spec.containers.removeAll { $0.name == name }
        return try JSONValue(encoding: template ?? PodTemplateSpec())
    }
}
