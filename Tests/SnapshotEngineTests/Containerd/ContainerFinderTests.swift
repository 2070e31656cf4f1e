// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import SnapshotEngine

@Suite("Finding a pod's containers")
struct ContainerFinderTests {
    private func labels(pod: String, uid: String, container: String, kind: String = "container") -> [String: String] {
        [
            "io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": "team", "io.kubernetes.pod.uid": uid,
            "io.kubernetes.container.name": container, "io.cri-containerd.kind": kind,
        ]
    }

    private func record(_ id: String, labels: [String: String], createdAt: Double = 0) -> ContainerRecord {
        var record = ContainerRecord(
            id: id,
            image: "",
            snapshotKey: id,
            specification: TypedValue(typeURL: "", bytes: []),
            labels: labels
        )
        record.createdAt = Date(timeIntervalSince1970: createdAt)
        return record
    }

    private func task(_ id: String, _ status: ContainerTask.Status) -> ContainerTask {
        ContainerTask(
            containerID: id,
            pid: 1,
            status: status,
            standardInput: "",
            standardOutput: "",
            standardError: "",
            hasTerminal: false
        )
    }

    @Test("Of several attempts the latest that runs is taken; what holds the pod's namespaces is not a container")
    func attempts() throws {
        let records = [
            record("a-0", labels: labels(pod: "p", uid: "1", container: "a"), createdAt: 1),
            record("a-1", labels: labels(pod: "p", uid: "1", container: "a"), createdAt: 3),
            record("a-2", labels: labels(pod: "p", uid: "1", container: "a"), createdAt: 2),
            record("b-0", labels: labels(pod: "p", uid: "1", container: "b"), createdAt: 1),
            record("pause", labels: labels(pod: "p", uid: "1", container: "", kind: "sandbox")),
        ]
        let tasks = [
            task("a-0", .running), task("a-1", .stopped), task("a-2", .running), task("b-0", .paused),
            task("pause", .running),
        ]
        let found = try ContainerFinder.select(from: records, tasks: tasks, pod: "team/p", uid: nil)
        #expect(found.map(\.id) == ["a-2", "b-0"])
        #expect(found.map(\.podUID) == ["1", "1"])
    }

    @Test("A UID decides between pods of one name, and a wrong one is an error that says so")
    func uids() throws {
        let records = ["1", "2"].map { record("a-\($0)", labels: labels(pod: "p", uid: $0, container: "a")) }
        let tasks = records.map { task($0.id, .running) }
        let second = try ContainerFinder.select(from: records, tasks: tasks, pod: "team/p", uid: "2")
        #expect(second.map(\.id) == ["a-2"])
        let ambiguous = #expect(throws: ContainerFinderError.self) {
            try ContainerFinder.select(from: records, tasks: tasks, pod: "team/p", uid: nil)
        }
        #expect(ambiguous == .ambiguous(pod: "team/p", uids: ["1", "2"]))
        #expect(throws: ContainerFinderError.podReplaced(pod: "team/p", expected: "3", found: ["1"])) {
            try ContainerFinder.select(from: Array(records.prefix(1)), tasks: tasks, pod: "team/p", uid: "3")
        }
        #expect(throws: ContainerFinderError.podNotFound(pod: "team/p")) {
            try ContainerFinder.select(from: records, tasks: [], pod: "team/p", uid: nil)
        }
        #expect(throws: ContainerFinderError.podNotFound(pod: "team/p")) {
            try ContainerFinder.select(from: [], tasks: [], pod: "team/p", uid: "1")
        }
    }

    @Test("Real containers with the kubelet's labels are found, and names that are not there are told")
    func realContainers() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let pod = "pod-\(UInt32.random(in: 0 ... .max))"
        try await TestContainer.with(daemon, labels: labels(pod: pod, uid: "u-1", container: "main")) { main in
            try await TestContainer.with(daemon, labels: labels(pod: pod, uid: "u-1", container: "side")) { side in
                try await daemon.withClient { client in
                    let finder = ContainerFinder(client: client)
                    let all = try await finder.containers(pod: pod, namespace: "team", uid: "u-1")
                    #expect(all.map(\.id) == [main.id, side.id])
                    #expect(all.first?.task.pid == main.pid)
                    let one = try await finder.container("side", pod: pod, namespace: "team", uid: nil)
                    #expect(one.id == side.id)
                    let missing = await #expect(throws: ContainerFinderError.self) {
                        try await finder.container("other", pod: pod, namespace: "team", uid: nil)
                    }
                    #expect(
                        missing
                            == .containerNotFound(pod: "team/\(pod)", container: "other", existing: ["main", "side"])
                    )
                    await #expect(throws: ContainerFinderError.podNotFound(pod: "else/\(pod)")) {
                        try await finder.container("main", pod: pod, namespace: "else", uid: nil)
                    }
                    await #expect(
                        throws: ContainerFinderError.podReplaced(pod: "team/\(pod)", expected: "u-0", found: ["u-1"])
                    ) {
                        try await finder.container("main", pod: pod, namespace: "team", uid: "u-0")
                    }
                }
            }
        }
    }
}
