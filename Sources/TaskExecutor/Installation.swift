// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL

/// The running program, its dynamic loader and its libraries in a folder, from where it runs in a container whose image has none
/// of them.
public struct Installation {
    private let folder: String

    /// Creates one into a folder, which need not exist.
    public init(to folder: String) { self.folder = folder }

    /// Copies everything, and writes the script that runs it.
    ///
    /// - Throws: What could not be read or written.
    public func perform() throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/lib", withIntermediateDirectories: true)
        let program = try files.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        try copy(program, to: "lib/program")
        var loader: String?
        for library in Self.mappedFiles() where library != program && library.contains(".so") {
            for name in try Self.names(of: library) {
                try copy(library, to: "lib/\(name)")
                if name.hasPrefix("ld-linux") { loader = name }
            }
        }
        // One that is linked statically has none.
        let start = loader.map { #""$here/\#($0)" --library-path "$here" "# } ?? ""
        // What it runs is to see nothing of these libraries, so no variable names them.
        let script = """
            #!/bin/sh
            here=${0%/*}/lib
            exec \(start)"$here/program" "$@"

            """
        let place = folder + "/stasis-task-executor"
        try Data(script.utf8).write(to: URL(filePath: place), options: .atomic)
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place)
    }

    private func copy(_ file: String, to name: String) throws {
        let place = folder + "/" + name
        if FileManager.default.fileExists(atPath: place) { try FileManager.default.removeItem(atPath: place) }
        try FileManager.default.copyItem(atPath: file, toPath: place)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place)
    }

    /// The files that this process has mapped: its program, its loader, and all libraries.
    private static func mappedFiles() -> [String] {
        let text = ProcessFile.contents("/proc/self/maps") ?? []
        let paths = String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line -> String? in
            guard let start = line.firstIndex(of: "/") else { return nil }
            return String(line[start...])
        }
        return Set(paths).sorted()
    }

    /// The names under which a library is found: what is mapped is the file that links of these names lead to.
    private static func names(of library: String) throws -> [String] {
        let place = URL(filePath: library)
        let folder = place.deletingLastPathComponent()
        let name = place.lastPathComponent
        let stem = name.prefix(while: { $0 != "." && $0 != "-" })
        let others = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { other in
            other != name && other.hasPrefix(stem)
                && folder.appending(path: other).resolvingSymlinksInPath().path == library
        }
        return [name] + others
    }
}
