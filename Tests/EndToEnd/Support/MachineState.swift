// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import SnapshotEngine
import TestSupport
import Testing

/// Everything that a server has made on its machine, by kind.
struct MachineState: Equatable, CustomStringConvertible {
    private(set) var things: [String: [String]] = [:]

    /// Looks at everything.
    init(_ testbed: Testbed) async throws {
        let client = testbed.client
        things["containers"] = try await client.containers().map(\.id).sorted()
        things["tasks"] = try await client.tasks().map { "\($0.containerID) \($0.status)" }.sorted()
        let snapshots = try await client.snapshots()
        things["filesystems"] = snapshots.filter { $0.kind != .committed }.map(\.name).sorted()
        things["unpacked layers"] = snapshots.filter { $0.kind == .committed }.map(\.name).sorted()
        things["leases"] = try await client.leases().map(\.id).sorted()
        things["uploads"] = try await client.uploads().map(\.reference).sorted()
        things["content"] = try await client.contentList().map(\.digest).sorted()
        things["images"] = try await client.images().map(\.name).sorted()
        things["addresses"] = Self.names("\(testbed.stateFolder)/network/\(testbed.bridge)").filter { $0.first == "1" }
        things["interfaces"] = Self.names("/sys/class/net/\(testbed.bridge)/brif")
        things["files"] = Self.names("\(testbed.stateFolder)/containers")
        things["task folders"] = Self.names(
            "\(testbed.daemon.folder)/state/io.containerd.runtime.v2.task/\(client.namespace)"
        )
        things["mounts"] = MountTable.lines().map { String($0.split(separator: " ")[4]) }
            .filter { $0.contains("/\(client.namespace)/") }
        let processes = Self.processes(of: testbed)
        things["shims"] = processes.shims
        things["network namespaces"] = processes.namespaces
        let layout = try LayoutState(testbed.layoutFolder)
        things["tags"] = layout.tags
        things["needed blobs"] = layout.needed
        things["missing blobs"] = layout.missing
        things["unneeded blobs"] = layout.unneeded
        things["temporary files"] = layout.temporary
    }

    subscript(kind: String) -> [String] { things[kind] ?? [] }

    /// What is here and not there, and the other way round.
    func difference(from other: MachineState) -> String {
        Set(things.keys).union(other.things.keys).sorted().compactMap { kind in
            let (here, there) = (Set(self[kind]), Set(other[kind]))
            guard here != there else { return nil }
            return "\(kind): + \(here.subtracting(there).sorted()) - \(there.subtracting(here).sorted())"
        }.joined(separator: "\n")
    }

    var description: String {
        things.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.joined(separator: ", "))" }
            .joined(separator: "\n")
    }

    /// Looks until it is the same as before, containerd's garbage collected. The kernel and containerd take things away in
    /// their own time and tell nobody.
    static func expect(
        _ before: MachineState,
        on testbed: Testbed,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var after = try await MachineState(testbed)
        let deadline = ContinuousClock.now + .seconds(30)
        while after != before, ContinuousClock.now < deadline {
            try await testbed.collectGarbage()
            try await Task.sleep(for: .milliseconds(50))
            after = try await MachineState(testbed)
        }
        #expect(after == before, "left over:\n\(after.difference(from: before))", sourceLocation: sourceLocation)
    }

    static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// The processes between containerd and the containers, and the network namespaces that any process of them is in.
    private static func processes(of testbed: Testbed) -> (shims: [String], namespaces: [String]) {
        var shims: [String] = []
        var namespaces: Set<String> = []
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        for name in names("/proc") {
            guard let processID = pid_t(name) else { continue }
            let arguments = ProcessStatus.arguments(of: processID)
            guard arguments.first?.contains("containerd-shim") == true else { continue }
            if arguments.contains(testbed.client.namespace), arguments.contains(testbed.daemon.socket) {
                shims.append(name)
                for child in ProcessStatus.children(of: processID) {
                    let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child)/ns/net")
                    if let link, link != own { namespaces.insert(link) }
                }
            }
        }
        return (shims, namespaces.sorted())
    }
}

extension Testbed {
    /// Ends a lease that keeps nothing, so that containerd collects what nobody keeps, now.
    func collectGarbage() async throws {
        try await client.createLease("collect")
        try await client.deleteLease("collect", synchronously: true)
    }
}

/// What is in an image-layout folder, read without the server's own code.
struct LayoutState {
    /// The names in the index. What has none is told by its digest, unless it is about something that is there.
    var tags: [String] = []
    /// Blobs that an entry of the index needs.
    var needed: [String] = []
    /// Those of them that are not there.
    var missing: [String] = []
    /// Blobs that no entry needs.
    var unneeded: [String] = []
    /// What is neither a blob nor part of the layout's frame.
    var temporary: [String] = []

    private struct Index: Decodable {
        struct Entry: Decodable {
            var digest: String
            var annotations: [String: String]?
        }

        var manifests: [Entry]
    }

    private struct Manifest: Decodable {
        struct Blob: Decodable {
            var digest: String
        }

        var config: Blob
        var layers: [Blob]
        var subject: Blob?
    }

    /// Reads a folder; one that is not there is empty.
    init(_ folder: String) throws {
        let names = MachineState.names(folder)
        temporary = names.filter { !["blobs", "index.json", "oci-layout"].contains($0) }
        let present = Set(MachineState.names("\(folder)/blobs/sha256"))
        var wanted: Set<String> = []
        if let bytes = FileManager.default.contents(atPath: "\(folder)/index.json") {
            let entries = try JSONDecoder().decode(Index.self, from: bytes).manifests
            for entry in entries {
                let name = entry.annotations?["org.opencontainers.image.ref.name"]
                if let name { tags.append(name) }
                wanted.insert(Self.hex(entry.digest))
                let path = "\(folder)/blobs/sha256/\(Self.hex(entry.digest))"
                guard let bytes = FileManager.default.contents(atPath: path) else {
                    if name == nil { tags.append(entry.digest) }
                    continue
                }
                let manifest = try JSONDecoder().decode(Manifest.self, from: bytes)
                if name == nil, !entries.contains(where: { $0.digest == manifest.subject?.digest }) {
                    tags.append(entry.digest)
                }
                wanted.formUnion(([manifest.config] + manifest.layers).map { Self.hex($0.digest) })
            }
        }
        tags.sort()
        needed = wanted.sorted()
        missing = wanted.subtracting(present).sorted()
        unneeded = present.subtracting(wanted).sorted()
    }

    private static func hex(_ digest: String) -> String {
        String(digest.split(separator: ":").last ?? "")
    }
}
