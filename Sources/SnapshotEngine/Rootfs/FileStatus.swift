// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux

/// What an inode is, as far as a layer can tell.
struct FileStatus: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case directory, regular, symbolicLink, characterDevice, blockDevice, fifo, socket
    }

    typealias Identity = FileIdentity

    var kind: Kind
    /// The twelve permission bits.
    var permissions: UInt16
    var user: UInt32
    var group: UInt32
    var links: UInt32
    /// In bytes; blocks are of 512 bytes.
    var size: Int64
    var blocks: UInt64
    var identity: Identity
    /// The mount it was reached through; 0 where the kernel does not say (before Linux 5.8).
    var mount: UInt64
    var deviceMajor: UInt32
    var deviceMinor: UInt32
    var modified: FileTime
    /// When the inode changed: its content or anything that is asked here.
    var changed: FileTime

    /// Asks for the status of what a descriptor stands for; O_PATH is enough.
    init(of descriptor: Int32, path: @autoclosure () -> String) throws {
        var found = clinux_status()
        _ = try SystemCall.result("statx", path()) { clinux_get_status(descriptor, "", &found) }
        self.init(found)
    }

    /// Asks for the status of an entry of an open directory. Of a link its own. The name ends with a zero.
    init(of name: UnsafeBufferPointer<UInt8>, in directory: Int32, path: @autoclosure () -> String) throws {
        var found = clinux_status()
        _ = try name.withMemoryRebound(to: CChar.self) { name in
            guard let base = name.baseAddress else { throw RootfsError.reservedName(path: path()) }
            return try SystemCall.result("statx", path()) { clinux_get_status(directory, base, &found) }
        }
        self.init(found)
    }

    private init(_ found: clinux_status) {
        // The file types of inode(7).
        switch found.mode >> 12 {
        case 0o04: kind = .directory
        case 0o10: kind = .regular
        case 0o12: kind = .symbolicLink
        case 0o02: kind = .characterDevice
        case 0o06: kind = .blockDevice
        case 0o01: kind = .fifo
        default: kind = .socket
        }
        permissions = UInt16(found.mode & 0o7777)
        user = found.uid
        group = found.gid
        links = found.links
        size = Int64(clamping: found.size)
        blocks = found.blocks
        identity = Identity(device: found.device, inode: found.inode)
        mount = found.mount
        deviceMajor = found.device_major
        deviceMinor = found.device_minor
        modified = FileTime(seconds: found.modified_seconds, nanoseconds: found.modified_nanoseconds)
        changed = FileTime(seconds: found.changed_seconds, nanoseconds: found.changed_nanoseconds)
    }

    /// A number that is another one, all but surely, when the inode or its content is. Means nothing to another process.
    /// Blocks do not count: they come and go as the filesystem writes back.
    var fingerprint: UInt64 {
        var hasher = Hasher()
        hasher.combine(kind)
        hasher.combine(permissions)
        hasher.combine(user)
        hasher.combine(group)
        hasher.combine(links)
        hasher.combine(size)
        hasher.combine(identity)
        hasher.combine(deviceMajor)
        hasher.combine(deviceMinor)
        hasher.combine(modified)
        hasher.combine(changed)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// How overlayfs marks a deleted name: a character device 0/0. It makes no other.
    var isWhiteoutDevice: Bool { kind == .characterDevice && deviceMajor == 0 && deviceMinor == 0 }

    /// Blocks are missing, and the file is long enough that asking for its holes pays.
    var mayBeSparse: Bool { size >= 128 << 10 && blocks < UInt64(size) / 512 }
}

/// Which inode: enough to know it again while somebody holds it open, or nobody can do anything.
public struct FileIdentity: Sendable, Hashable {
    var device: UInt64
    var inode: UInt64
}

/// A time as the filesystem has it.
struct FileTime: Sendable, Hashable, Comparable {
    /// Since 1970; may be negative.
    var seconds: Int64
    /// 0 to 999,999,999, always forwards.
    var nanoseconds: UInt32

    static func < (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}
