// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

/// The way from a trusted folder to something beneath it, through names that others may change meanwhile.
///
/// Links are followed as long as they stay beneath the folder, as openat2's `RESOLVE_BENEATH` has it: an absolute link, or
/// one that climbs above the folder, ends the walk. Every step is held by a descriptor, so that a name that changes
/// behind it does not matter. It blocks.
struct VolumePath {
    /// Why there is no such way.
    enum Failure: Error, Equatable {
        /// It leads out of the folder.
        case escapes
        /// Something on it is not there.
        case missing
        /// It leads to something that is neither a folder nor a regular file, or through something that is no folder.
        case unsuitable
        /// The system refused.
        case system(CInt)
    }

    /// The most links that are followed for one path, the kernel's own number.
    private static let mostLinks = 40

    /// The folders from the trusted one to where the walk is, so that ".." never asks the file system.
    private var way: [OpenVolume]
    /// The names that are still to go, the next one last.
    private var rest: [String]
    private var links = 0

    private init(_ path: String, from folder: OpenVolume) {
        way = [folder]
        rest = Self.names(path)
    }

    /// Opens what a path leads to.
    ///
    /// - Parameters:
    ///   - path: Relative to the folder; a leading slash means nothing.
    ///   - folder: What the way must not leave.
    ///   - mode: The permissions of folders that are made where none are; nil: what is missing is missing.
    static func open(
        _ path: String,
        beneath folder: OpenVolume,
        makingWith mode: mode_t? = nil
    ) throws(Failure) -> OpenVolume {
        var walk = VolumePath(path, from: folder)
        while let name = walk.rest.popLast() {
            if let file = try walk.step(name, makingWith: mode) { return file }
        }
        return walk.way.last ?? folder
    }

    /// Goes one name further; answers the file at which the path ends.
    private mutating func step(_ name: String, makingWith mode: mode_t?) throws(Failure) -> OpenVolume? {
        if name == "." { return nil }
        if name == ".." {
            guard way.count > 1 else { throw .escapes }
            way.removeLast()
            return nil
        }
        guard let here = way.last else { throw .escapes }
        let next = try Self.entry(name, of: here, makingWith: mode)
        var status = stat()
        guard fstat(next.descriptor, &status) == 0 else { throw .system(errno) }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            way.append(next)
        case S_IFLNK:
            links += 1
            guard links <= Self.mostLinks else { throw .system(ELOOP) }
            let target = try Self.target(of: next)
            guard !target.hasPrefix("/") else { throw .escapes }
            rest += Self.names(target)
        case S_IFREG where rest.isEmpty:
            return next
        default:
            throw .unsuitable
        }
        return nil
    }

    private static func entry(
        _ name: String,
        of folder: OpenVolume,
        makingWith mode: mode_t?
    ) throws(Failure) -> OpenVolume {
        func open() -> CInt {
            openat(folder.descriptor, name, ConfinedTree.pathOnly | O_NOFOLLOW | O_CLOEXEC)
        }
        var descriptor = open()
        if descriptor < 0, errno == ENOENT, let mode {
            if mkdirat(folder.descriptor, name, mode) == 0 {
                // The process's own mask must not take away what was asked for.
                fchmodat(folder.descriptor, name, mode, 0)
            } else if errno != EEXIST {
                throw .system(errno)
            }
            descriptor = open()
        }
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw .missing
            case ENOTDIR: throw .unsuitable
            case let code: throw .system(code)
            }
        }
        return OpenVolume(owning: descriptor)
    }

    private static func target(of link: OpenVolume) throws(Failure) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(link.descriptor, "", &buffer, buffer.count)
        guard count > 0 else { throw .system(count < 0 ? errno : ENOENT) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The names of a path, the first one last.
    private static func names(_ path: String) -> [String] {
        path.split(separator: "/").reversed().map(String.init)
    }
}
