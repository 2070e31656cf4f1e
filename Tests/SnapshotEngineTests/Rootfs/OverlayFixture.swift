// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore

@testable import SnapshotEngine

/// A folder of a test's own, removed with it.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("rootfs-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { _ = try? SystemTool.run("rm", "-rf", path) }

    /// A path in it.
    subscript(_ name: String) -> String { path + "/" + name }

    /// Makes a folder in it.
    @discardableResult
    func makeFolder(_ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: self[name], withIntermediateDirectories: true)
        return self[name]
    }

    /// Makes a file in it.
    func write(_ name: String, _ content: String = "") throws {
        try Data(content.utf8).write(to: URL(fileURLWithPath: self[name]))
    }
}

/// A real overlay mount, gone with the test.
final class OverlayFixture {
    let folder: ScratchFolder
    var lower: String { folder["lower"] }
    var upper: String { folder["upper"] }
    var work: String { folder["work"] }
    var merged: String { folder["merged"] }
    private var isMounted = false

    /// Makes the folders; `prepare` fills the lower one (its first argument is its path).
    init(prepare: String = "") throws {
        folder = try ScratchFolder()
        for name in ["lower", "upper", "work", "merged"] { try folder.makeFolder(name) }
        if !prepare.isEmpty { try SystemTool.python(prepare, lower) }
    }

    deinit {
        if isMounted { _ = try? SystemTool.run("umount", "-l", merged) }
    }

    /// Mounts it; `lowers` are the options for the lower directories if they are not just `lower`.
    func mount(_ options: String = "", lowers: String? = nil) throws {
        let all =
            "\(lowers ?? "lowerdir=\(lower)"),upperdir=\(upper),workdir=\(work)"
            + (options.isEmpty ? "" : ",\(options)")
        try SystemTool.run("mount", "-t", "overlay", "overlay", "-o", all, merged)
        isMounted = true
    }

    func unmount() throws {
        try SystemTool.run("umount", merged)
        isMounted = false
    }

    /// The mount as the kernel shows it.
    func live() throws -> OverlayMount {
        try OverlayMount(at: merged, mountInfo: SystemCall.contents(of: "/proc/self/mountinfo"))
    }
}

extension LayerWriter {
    /// Writes the layer into a file.
    @discardableResult
    func write(toFile path: String) throws -> LayerSummary {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw CocoaError(.fileWriteUnknown) }
        defer { try? file.close() }
        return try write { chunk in try file.write(contentsOf: Data(chunk.readableBytesView)) }
    }
}
