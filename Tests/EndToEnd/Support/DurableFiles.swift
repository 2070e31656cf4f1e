// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The files below a folder as a power cut would leave them: a file has the bytes that it had when it was synced last, and
/// a name is certain once the folder that it is in was synced.
struct DurableFiles {
    /// Something that has a name.
    private enum Entry: Hashable {
        case folder
        /// A file, by a number that stays its own when it is renamed.
        case file(Int)
    }

    private let root: String
    /// The names as the running system sees them.
    private var live: [String: Entry] = [:]
    /// The names that are certain.
    private var durable: [String: Entry] = [:]
    /// Where the bytes are that each file had when it was synced last.
    private var bytes: [Int: String] = [:]
    private var files = 0

    /// Nothing is in the folder yet.
    init(root: String) {
        self.root = root
    }

    /// Goes on by one event.
    ///
    /// - Returns: Whether a power cut after it may leave something else than one before.
    mutating func apply(_ event: CrashPoints.Event, copies: String) -> Bool {
        guard event.path == root || event.path.hasPrefix("\(root)/") else { return false }
        switch event.word {
        case "create":
            files += 1
            live[event.path] = .file(files)
        case "mkdir": live[event.path] = .folder
        case "rename":
            guard let from = event.from, let entry = live.removeValue(forKey: from) else { return false }
            live[event.path] = entry
        case "unlink": live[event.path] = nil
        case "sync":
            guard case .file(let file)? = live[event.path] else { return false }
            // Whether the file system makes the name durable as well is not relied upon.
            bytes[file] = "\(copies)/\(event.number)"
        case "syncfolder":
            let isInFolder = { (path: String) in (path as NSString).deletingLastPathComponent == event.path }
            durable = durable.filter { !isInFolder($0.key) }
            for (path, entry) in live where isInFolder(path) { durable[path] = entry }
        default: return false
        }
        return true
    }

    /// Writes what would be there into a folder.
    ///
    /// - Parameter ahead: Whether all names are there that were given, not only those that are certain.
    func write(to folder: String, ahead: Bool) throws {
        let names = ahead ? live : durable
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (path, entry) in names.sorted(by: { $0.key < $1.key }) {
            let target = folder + path.dropFirst(root.count)
            // What is in a folder whose own name is lost is lost.
            guard manager.fileExists(atPath: (target as NSString).deletingLastPathComponent) else { continue }
            switch entry {
            case .folder: try manager.createDirectory(atPath: target, withIntermediateDirectories: false)
            case .file(let file):
                if let copy = bytes[file] {
                    try manager.copyItem(atPath: copy, toPath: target)
                } else {
                    _ = manager.createFile(atPath: target, contents: nil)
                }
            }
        }
    }
}
