// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where the machine's dynamic loader searches for libraries, besides where programs tell it to.
public struct LibraryFolders: Sendable, Hashable {
    /// In the order of the search.
    public var paths: [String]

    /// Creates a list.
    public init(_ paths: [String]) { self.paths = paths }

    /// Those of this machine: what `/etc/ld.so.conf` lists, then the folders that loaders have built in. Reads files.
    ///
    /// The environment's `LD_LIBRARY_PATH` is left out: what it changes would not be there in a container.
    public static func ofThisMachine(configuration: String = "/etc/ld.so.conf") -> LibraryFolders {
        var found = listed(in: configuration, depth: 0)
        for folder in ["/lib64", "/usr/lib64", "/lib", "/usr/lib"] where !found.contains(folder) {
            found.append(folder)
        }
        return LibraryFolders(found)
    }

    /// The lines of `ld.so.conf`, with those of the files that it includes in place.
    private static func listed(in file: String, depth: Int) -> [String] {
        // ldconfig has no limit; who includes himself would never end.
        guard depth < 8, let text = try? String(contentsOfFile: file, encoding: .utf8) else { return [] }
        var folders: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first else { continue }
            if first == "include" {
                for pattern in words.dropFirst() {
                    let path = pattern.hasPrefix("/") ? "\(pattern)" : "\(parent(of: file))/\(pattern)"
                    for file in files(matching: path) { folders += listed(in: file, depth: depth + 1) }
                }
            } else if first.hasPrefix("/") {
                folders.append(String(first))
            }
        }
        return folders
    }

    private static func parent(of path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    private static func files(matching pattern: String) -> [String] {
        var matches = glob_t()
        defer { globfree(&matches) }
        // Sorted, as ldconfig takes them.
        guard glob(pattern, 0, nil, &matches) == 0, let paths = matches.gl_pathv else { return [] }
        return (0..<Int(matches.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
    }
}
