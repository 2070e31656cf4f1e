// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import SnapshotEngine

/// A process in a mount namespace of its own whose root is a folder with `busybox` in it, as a runtime makes one.
enum RootedProcess {
    /// Puts the program into a folder that is to be a root.
    static func furnish(_ folder: String) throws {
        try SystemTool.run("cp", "/bin/busybox", folder + "/busybox")
        try FileManager.default.createDirectory(atPath: folder + "/old", withIntermediateDirectories: true)
    }

    /// Runs one for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - root: What becomes its root: a mount, or what `before` makes one.
    ///   - before: Commands of the host's shell, in the new mount namespace.
    ///   - after: Commands of busybox's shell below the new root; `busybox` is to go before each of its applets.
    static func with(
        root: String,
        before: String = "",
        after: String = "",
        _ body: (Int32) throws -> Void
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // It lives until its standard input ends.
        let inside = "set -e; \(after.isEmpty ? "" : after + ";") busybox echo ready; exec busybox cat"
        process.arguments = [
            "unshare", "-m", "sh", "-ec",
            "\(before)\ncd '\(root)'; pivot_root . old; export PATH=/; exec /busybox sh -c '\(inside)'",
        ]
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        defer {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }
        var told = Data()
        while !told.contains(UInt8(ascii: "\n")) {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else {
                let why = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
                throw SystemTool.Failure(description: "no process below \(root): \(why)")
            }
            told += bytes
        }
        try body(process.processIdentifier)
    }
}
