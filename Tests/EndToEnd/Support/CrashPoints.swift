// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// What counts and kills within a server: the library of `crash_points.c`, preloaded into it, and its control file.
struct CrashPoints: Sendable {
    /// What an event belongs to; the numbers are the library's.
    struct Domain: OptionSet, Hashable, Sendable, CustomStringConvertible {
        let rawValue: UInt32
        /// A commit to the database.
        static let commit = Domain(rawValue: 1)
        /// Everything else about the database's files.
        static let store = Domain(rawValue: 2)
        /// The image layout's files.
        static let layout = Domain(rawValue: 4)
        /// The other files of the state folder.
        static let state = Domain(rawValue: 8)
        /// Requests to containerd.
        static let request = Domain(rawValue: 16)
        /// Syncs of any file.
        static let sync = Domain(rawValue: 32)
        static let all: Domain = [.commit, .store, .layout, .state, .request, .sync]

        var description: String {
            let names: [(Domain, String)] = [
                (.commit, "commit"), (.store, "store"), (.layout, "layout"), (.state, "state"), (.request, "request"),
                (.sync, "sync"),
            ]
            return names.filter { contains($0.0) }.map(\.1).joined(separator: "+")
        }
    }

    /// A moment at which a server is killed.
    struct Point: Sendable, Hashable, CustomStringConvertible {
        var domain: Domain
        /// Which event of the domain, the first being 1.
        var number: UInt64
        /// Whether it is killed when the event has happened, not before.
        var isAfter = false

        var description: String { "\(isAfter ? "after" : "before") \(domain) \(number)" }
    }

    let folder: String
    /// The process that is meant: `server`, or the first argument of one that it starts.
    let role: String
    private var control: String { "\(folder)/control-\(role)" }
    /// The events, a line each.
    var log: String { "\(folder)/events-\(role)" }
    /// The content of files as they were when they were synced, by the numbers of the events.
    var copies: String { "\(folder)/copies-\(role)" }

    /// Compiles the library into a folder. Needs a C compiler.
    init(folder: String, role: String = "server") async throws {
        self.folder = folder
        self.role = role
        try FileManager.default.createDirectory(atPath: "\(folder)/copies-\(role)", withIntermediateDirectories: true)
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "CrashPoints/crash_points.c")
        try await Command.run("cc", ["-shared", "-fPIC", "-O1", "-o", library, source.path, "-ldl"])
        try Data(count: 4096).write(to: URL(fileURLWithPath: control))
    }

    private var library: String { "\(folder)/crash_points.so" }

    /// The variables that a server is started with.
    func environment(database: String, layout: String, state: String, socket: String, copying: Bool) -> [String: String]
    {
        var variables = [
            "LD_PRELOAD": library,
            "STASIS_POINTS_CONTROL": control,
            "STASIS_POINTS_LOG": log,
            "STASIS_POINTS_STORE": database,
            "STASIS_POINTS_LAYOUT": layout,
            "STASIS_POINTS_STATE": state,
            "STASIS_POINTS_SOCKET": socket,
            "STASIS_POINTS_ROLE": role,
        ]
        if copying { variables["STASIS_POINTS_COPIES"] = copies }
        return variables
    }

    /// Counts the events of some domains from now on, and writes every event down.
    func record(_ domains: Domain) throws {
        try set(mode: 1, domains, after: false, target: 0)
    }

    /// Kills the process at a point that is counted from now on.
    func arm(_ point: Point) throws {
        try set(mode: 2, point.domain, after: point.isAfter, target: point.number)
    }

    /// Does nothing more.
    func disarm() throws {
        try set(mode: 0, [], after: false, target: 0)
    }

    /// The events that were counted since `record` or `arm`.
    var count: UInt64 { number(at: 24) }

    /// Whether the process has come to the point at which it is killed.
    var hasHit: Bool { number(at: 0) & 0xffff_ffff == 2 && count >= number(at: 16) }

    private func number(at offset: Int) -> UInt64 {
        guard let bytes = FileManager.default.contents(atPath: control), bytes.count >= 32 else { return 0 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    }

    /// Everything that was written down so far.
    func events() throws -> [Event] {
        let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            guard let event = Event(String(line)) else { throw Testbed.Failure("not an event: \(line)") }
            return event
        }
    }

    /// One event as it was written down.
    struct Event: Sendable {
        /// Its place among all events of the process.
        var number: Int
        /// `write`, `sync`, `syncfolder`, `create`, `rename`, `link`, `unlink`, `mkdir` or `request`.
        var word: String
        var domain: Domain
        /// The number of the file that was created or synced.
        var inode: UInt64
        /// What it was done to; for a rename the new name.
        var path: String
        /// For a rename the old name.
        var from: String?

        init?(_ line: String) {
            let fields = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 4, let number = Int(fields[0]), let domain = UInt32(fields[2]) else { return nil }
            self.number = number
            word = fields[1]
            self.domain = ["sync", "syncfolder"].contains(word) ? .sync : Domain(rawValue: domain)
            inode = UInt64(fields[3]) ?? 0
            guard ["rename", "link", "unlink", "mkdir"].contains(word) else {
                path = fields.count > 4 ? fields[4] : ""
                return
            }
            let names = fields[3...].joined(separator: " ").split(separator: "\t").map(String.init)
            guard names.count == 2 else { return nil }
            (path, from) = (names[0], names[1])
        }
    }

    /// The control structure of the library. The mode is written last: until then nothing is counted.
    private func set(mode: UInt32, _ domains: Domain, after: Bool, target: UInt64) throws {
        guard let file = FileHandle(forUpdatingAtPath: control) else { throw Testbed.Failure("\(control) is missing") }
        defer { try? file.close() }
        func write<Number: FixedWidthInteger>(_ number: Number, at offset: UInt64) throws {
            try file.seek(toOffset: offset)
            try file.write(contentsOf: withUnsafeBytes(of: number.littleEndian) { Data($0) })
        }
        try write(UInt32(0), at: 0)
        try write(domains.rawValue, at: 4)
        try write(UInt32(after ? 1 : 0), at: 8)
        try write(target, at: 16)
        try write(UInt64(0), at: 24)
        try write(mode, at: 0)
    }
}
