// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A walk that visits only what is not as an earlier copy has it. The tree is frozen.
extension UpperWalk {
    /// What is done about a directory and what is in it.
    struct DirectoryPlan {
        var mode: CopyComparison.Mode
        /// Whether the directory itself is visited.
        var isGiven = true
        /// Whether the layer hides what is below it.
        var isMarked = false
    }

    /// The record of the root, and how its names are looked at.
    mutating func takeRoot() throws -> (CopyRecordCursor.Entry?, CopyComparison.Mode) {
        let known = try [UInt8]().withUnsafeBufferPointer { try comparison?.take($0).entry }
        return (known, comparison == nil ? .everything : .compared(copiesAll: false))
    }

    /// Looks at a name without opening what it names.
    ///
    /// - Returns: What the earlier copy has under this name, and whether nothing is left to do.
    mutating func compare(
        _ name: UnsafeBufferPointer<UInt8>,
        in frame: DirectoryFrame,
        _ visit: (UpperEntry) throws -> Void
    ) throws -> (known: CopyRecordCursor.Entry?, isDone: Bool) {
        guard let (known, gone) = try comparison?.take(name) else { return (nil, false) }
        if let known, frame.mode == .compared(copiesAll: false), comparison?.isKnownUnchanged(known) == true {
            if !gone.isEmpty { try delete(gone, in: frame, frame.status(path: displayed(path)), visit) }
            if known.isDirectory { comparison?.leaveDirectory() }
            return (nil, true)
        }
        let status = try FileStatus(of: name, in: frame.descriptor, path: displayed(path))
        try checkMount(status)
        try delete(gone, in: frame, status, visit)
        if status.kind == .directory { return (known, false) }
        guard let known else { return (nil, false) }
        if known.isDirectory { comparison?.leaveDirectory() }
        guard frame.mode == .compared(copiesAll: false) else { return (known, false) }
        return (known, comparison?.isUnchanged(status, since: known) == true)
    }

    /// What is done about a directory that the earlier copy knows, or does not.
    mutating func plan(
        for directory: UpperEntry,
        isOpaque: Bool,
        known: CopyRecordCursor.Entry?,
        mode: CopyComparison.Mode
    ) throws -> DirectoryPlan {
        guard case .compared(var copiesAll) = mode, let known, known.isDirectory else {
            return DirectoryPlan(mode: .everything, isMarked: isOpaque)
        }
        let isSameInode = known.inode == directory.status.identity.inode
        let wasOpaque = known.kind == .opaqueDirectory
        if isOpaque, copiesAll || !isSameInode || !wasOpaque {
            // The mark hides the earlier copy too, also what was moved away and back and looks untouched.
            comparison?.leaveDirectory()
            return DirectoryPlan(mode: .everything, isMarked: true)
        }
        // Not marked any more: another directory, whatever its number says, for the kernel takes no mark away.
        if !isSameInode || wasOpaque != isOpaque { copiesAll = true }
        let isSame =
            directory.path.isEmpty
            ? known.fingerprint == directory.rootFingerprint
            : comparison?.isSame(directory.status, known) == true
        return DirectoryPlan(mode: .compared(copiesAll: copiesAll), isGiven: copiesAll || !isSame)
    }

    /// Ends a directory all of whose names were visited.
    mutating func end(_ frame: DirectoryFrame, _ visit: (UpperEntry) throws -> Void) throws {
        record?.appendEnd(isComplete: frame.isComplete)
        guard case .compared = frame.mode, let gone = try comparison?.takeRest(), !gone.isEmpty else { return }
        try delete(gone, in: frame, frame.status(path: displayed(path)), visit)
    }

    /// Visits whiteouts for names that only the earlier copy has.
    private mutating func delete(
        _ names: [ArraySlice<UInt8>],
        in frame: DirectoryFrame,
        _ status: FileStatus,
        _ visit: (UpperEntry) throws -> Void
    ) throws {
        guard !names.isEmpty else { return }
        let parent = path.prefix(frame.pathCount)
        for name in names {
            let path = parent.isEmpty ? Array(name) : parent + [UInt8(ascii: "/")] + name
            try give(UpperEntry(path: path, kind: .whiteout, status: status, attributes: [], contents: -1), visit)
        }
    }
}

extension CopyRecord {
    /// Adds what is in the layer now.
    mutating func append(_ entry: UpperEntry) {
        let name = entry.name
        let kind: Kind =
            switch entry.kind {
            case .directory(isOpaque: true): .opaqueDirectory
            case .directory(isOpaque: false): .directory
            case .whiteout: .whiteout
            case .socket: .leftOut
            case .regular, .symbolicLink, .characterDevice, .blockDevice, .fifo: .other
            }
        append(
            kind,
            name: name,
            fingerprint: entry.path.isEmpty ? entry.rootFingerprint : entry.status.fingerprint,
            inode: entry.status.identity.inode
        )
    }
}

extension UpperEntry {
    /// The last part of the path.
    fileprivate var name: ArraySlice<UInt8> {
        path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
    }

    /// Of the root only what a layer says about it: its times change whenever anything comes or goes in it.
    fileprivate var rootFingerprint: UInt64 {
        var hasher = Hasher()
        hasher.combine(status.permissions)
        hasher.combine(status.user)
        hasher.combine(status.group)
        hasher.combine(attributes)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}

extension RootfsError {
    /// Whether a tree that nobody holds still is reason enough for it.
    var isOfLivingTree: Bool {
        switch self {
        case .system(_, _, let code): code == ENOENT || code == ESTALE
        case .changed, .unsuitable(.mountInside): true
        default: false
        }
    }
}
