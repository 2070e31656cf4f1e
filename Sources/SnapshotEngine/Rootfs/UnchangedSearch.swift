// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// One thread's part in looking for what is unchanged.
final class UnchangedSearch {
    /// A directory on the way from the root to the current one.
    private struct Level {
        var descriptor: Int32
        var ordinal: Int
    }

    private let record: CopyRecord
    private let judge: CopyJudge
    private let root: OwnedDescriptor
    private let rootPath: String
    private let rootStatus: FileStatus
    private var levels: [Level] = []
    /// In how many directories of the record it is that are not looked at.
    private var passed = 0
    /// A name and the zero that system calls want.
    private let name = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Int(UInt8.max) + 1)

    /// Directories in which something has changed, and those above them.
    private(set) var changed: Set<Int> = []
    /// Files with several names of which one is unchanged.
    private(set) var links: Set<FileStatus.Identity> = []

    init(root: String, record: CopyRecord, judge: CopyJudge) throws {
        self.root = OwnedDescriptor(try SystemCall.result("open", root) { clinux_open_path(root) })
        rootPath = root
        rootStatus = try FileStatus(of: self.root.number, path: root)
        self.record = record
        self.judge = judge
    }

    deinit {
        for level in levels where level.descriptor != root.number { close(level.descriptor) }
        name.deallocate()
    }

    /// Looks at a part of the record.
    ///
    /// - Returns: For each of its entries whether it is unchanged; of a directory only by itself.
    /// - Throws: `RootfsError.system` if something could not be looked at.
    func look(at range: CopyRecord.Range) throws -> [Bool] {
        while let level = levels.popLast() { leave(level) }
        passed = 0
        for directory in range.directories {
            // Where one is not there any more, the part of the record that has its entry says so.
            if try passed > 0 || enter(directory.name, ordinal: directory.ordinal) == nil { passed += 1 }
        }
        if range.deeper > 0 { markChanged() }
        passed += range.deeper
        var flags: [Bool] = []
        flags.reserveCapacity(range.ordinals.count)
        try record.chunks[range.chunk].withUnsafeBytes { bytes in
            var offset = range.bytes.lowerBound
            while offset < range.bytes.upperBound {
                let kind = CopyRecord.Kind(rawValue: bytes[offset]) ?? .end
                if kind == .end || kind == .endOfPart {
                    offset += 1
                    end(isComplete: kind == .end)
                    continue
                }
                let end = offset + 2 + Int(bytes[offset + 1])
                let text = UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<end])
                let fingerprint = bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self)
                let ordinal = range.ordinals.lowerBound + flags.count
                if kind == .directory || kind == .opaqueDirectory {
                    let inode = bytes.loadUnaligned(fromByteOffset: end + 8, as: UInt64.self)
                    flags.append(try look(atDirectory: text, ordinal, fingerprint, inode))
                    offset = end + CopyRecord.bytesOfDirectory - 2
                } else {
                    flags.append(try look(at: text, kind, fingerprint))
                    offset = end + CopyRecord.bytesOfEntry - 2
                }
            }
        }
        return flags
    }

    /// Looks at whatever is no directory.
    private func look(
        at text: UnsafeRawBufferPointer,
        _ kind: CopyRecord.Kind,
        _ fingerprint: UInt64
    ) throws -> Bool {
        guard passed == 0, let level = levels.last else { return false }
        let status = try Self.nilIfGone {
            try FileStatus(of: terminated(text), in: level.descriptor, path: displayed(text))
        }
        guard let status, isInside(status), judge.isUnchanged(status, kind, fingerprint) else {
            markChanged()
            return false
        }
        if CopyJudge.isLink(status) { links.insert(status.identity) }
        return true
    }

    /// Looks at a directory, and goes into it.
    private func look(
        atDirectory text: UnsafeRawBufferPointer,
        _ ordinal: Int,
        _ fingerprint: UInt64,
        _ inode: UInt64
    ) throws -> Bool {
        guard passed == 0, levels.count < UnchangedEntries.depth else {
            markChanged()
            passed += 1
            return false
        }
        guard let status = try enter(text, ordinal: ordinal) else {
            markChanged()
            passed += 1
            return false
        }
        // The walk looks at the root itself.
        guard levels.count > 1 else { return false }
        if judge.isSame(status, fingerprint) { return true }
        markChanged()
        if status.identity.inode != inode, let level = levels.popLast() {
            // Another one, which the walk copies whole.
            leave(level)
            passed += 1
        }
        return false
    }

    /// Ends a directory of the record.
    private func end(isComplete: Bool) {
        guard passed == 0 else {
            passed -= 1
            return
        }
        // Names that are not in the record are nobody's to look at but the walk's.
        if !isComplete { markChanged() }
        if let level = levels.popLast() { leave(level) }
    }

    /// Opens a directory in the current one.
    ///
    /// - Returns: What it is; nil if it is not there, or not on the same mount.
    private func enter(_ text: some Collection<UInt8>, ordinal: Int) throws -> FileStatus? {
        guard let level = levels.last else {
            levels.append(Level(descriptor: root.number, ordinal: ordinal))
            return rootStatus
        }
        let name = terminated(text)
        let opened = try Self.nilIfGone {
            try name.withMemoryRebound(to: CChar.self) { name in
                guard let base = name.baseAddress else { throw RootfsError.reservedName(path: rootPath) }
                return try SystemCall.result("open", displayed(text)) { clinux_open_entry(level.descriptor, base) }
            }
        }
        guard let opened else { return nil }
        let entry = Level(descriptor: opened, ordinal: ordinal)
        let status = try FileStatus(of: opened, path: displayed(text))
        guard status.kind == .directory, isInside(status) else {
            leave(entry)
            return nil
        }
        levels.append(entry)
        return status
    }

    private func leave(_ level: Level) {
        if level.descriptor != root.number { close(level.descriptor) }
    }

    /// Notes that something in the current directory has changed, or it itself.
    private func markChanged() {
        // Where one is noted, those above it are.
        for level in levels.reversed() where !changed.insert(level.ordinal).inserted { return }
    }

    private func isInside(_ status: FileStatus) -> Bool {
        rootStatus.mount == 0
            ? status.identity.device == rootStatus.identity.device : status.mount == rootStatus.mount
    }

    /// The same bytes with a zero behind them, until the next call.
    private func terminated(_ text: some Collection<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var end = 0
        for byte in text {
            name[end] = byte
            end += 1
        }
        name[end] = 0
        return UnsafeBufferPointer(rebasing: name[..<end])
    }

    /// What is not there, or behind a mount, is changed; what cannot be looked at is an error.
    private static func nilIfGone<Value>(_ body: () throws -> Value) throws -> Value? {
        do {
            return try body()
        } catch RootfsError.system(_, _, let code) where [ENOENT, ENOTDIR, ELOOP, EXDEV].contains(code) {
            return nil
        }
    }
}
