// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

/// What a test knows of a sandbox's first process: as long as it is the same, the sandbox was never restarted.
struct ProcessIdentity: Hashable, Sendable {
    var processID: UInt32
    var started: UInt64
}

/// Sandboxes seen from their machine, without the server.
extension Testbed {
    /// The ID of a sandbox's one container.
    func container(of id: String) async throws -> String {
        let all = try await client.containers().map(\.id).filter { $0.hasPrefix("\(id)-") }
        guard all.count == 1, let only = all.first else { throw Failure("the sandbox \(id) has the containers \(all)") }
        return only
    }

    /// A sandbox's first process.
    ///
    /// - Throws: If there is none or it is frozen.
    func process(of id: String) async throws -> ProcessIdentity {
        let task = try await client.task(container(of: id))
        guard task.status == .running, let status = ProcessStatus(pid_t(task.pid)), status.isAlive else {
            throw Failure("the sandbox \(id) does not run: its task is \(task.status)")
        }
        return ProcessIdentity(processID: task.pid, started: status.started)
    }

    /// Writes files in a sandbox, as one of its processes; nil deletes one.
    func write(_ files: [String: String?], in id: String) async throws {
        let script = files.map { path, text in text.map { "printf %s '\($0)' >\(path)" } ?? "rm -f \(path)" }
        try await execute(script.joined(separator: "\n"), in: id)
    }

    /// Runs a shell script in a sandbox.
    func execute(_ script: String, in id: String) async throws {
        try await Command.run(
            "ctr",
            [
                "--address", daemon.socket, "--namespace", client.namespace, "tasks", "exec", "--exec-id",
                "e\(UInt64.random(in: 0 ... .max))", try await container(of: id), "sh", "-euc", script,
            ]
        )
    }

    /// The SHA-256 of a file in a sandbox.
    func checksum(of path: String, in id: String) async throws -> String {
        let file = "/proc/\(try await process(of: id).processID)/root\(path)"
        return String(try await Command.run("sha256sum", [file]).prefix(64))
    }

    /// The machine with the image that sandboxes are created from, and no sandbox.
    func baseline() async throws -> MachineState {
        let first = try await api.create(image: image).id
        try await api.delete(first)
        try await expectConsistent()
        try await collectGarbage()
        return try await MachineState(self)
    }

    /// Checks that the files in the root directory of a sandbox whose names begin with `file` are these.
    func expectFiles(
        _ files: [String: String],
        in id: String,
        _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let root = "/proc/\(try await process(of: id).processID)/root"
        let names = MachineState.names(root).filter { $0.hasPrefix("file") }
        var found: [String: String] = [:]
        for name in names { found["/\(name)"] = try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8) }
        #expect(found == files, comment, sourceLocation: sourceLocation)
    }

    /// Waits until what is on the machine is exactly what the server says there is.
    ///
    /// - Throws: If it is not after a while.
    func expectConsistent(_ when: String = "") async throws {
        var problems = try await inconsistencies()
        let deadline = ContinuousClock.now + .seconds(20)
        while !problems.isEmpty {
            guard ContinuousClock.now < deadline else {
                throw Failure("\(when): \(problems.joined(separator: "; "))")
            }
            try await Task.sleep(for: .milliseconds(20))
            problems = try await inconsistencies()
        }
    }

    private func inconsistencies() async throws -> [String] {
        let sandboxes = try await api.sandboxes()
        let snapshots = try await api.snapshots()
        let machine = try await MachineState(self)
        var problems: [String] = []
        func expect(_ kind: String, _ expected: [String]) {
            let found = machine[kind]
            if found != expected.sorted() { problems.append("\(kind): \(found), not \(expected.sorted())") }
        }
        let changing = sandboxes.filter(\.isChanging).map { "\($0.id) \($0.status.state)" }
        if !changing.isEmpty { problems.append("still changing: \(changing)") }
        let running = sandboxes.filter { $0.status.state == "Running" }.map(\.id)
        let containers = machine["containers"]
        let owners = containers.map { String($0.prefix(36)) }
        if owners != running.sorted() { problems.append("containers: \(containers), not of \(running)") }
        expect("tasks", containers.map { "\($0) running" })
        expect("filesystems", containers)
        expect("files", containers)
        expect("task folders", containers)
        for kind in ["leases", "uploads", "missing blobs", "unneeded blobs", "temporary files"] { expect(kind, []) }
        for kind in ["addresses", "interfaces", "mounts", "shims", "network namespaces"]
        where machine[kind].count != containers.count {
            problems.append("\(kind): \(machine[kind]) of \(containers.count) containers")
        }
        let artifacts = sandboxes.compactMap(\.artifact) + snapshots.compactMap(\.artifact)
        let tags = artifacts.flatMap(\.parts).map { String($0.reference.split(separator: ":").last ?? "") }
        expect("tags", tags)
        return problems
    }
}
