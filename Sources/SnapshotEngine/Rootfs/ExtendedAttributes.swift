// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// An extended attribute that goes into a layer.
struct ExtendedAttribute: Sendable, Hashable {
    var name: [UInt8]
    var value: [UInt8]
}

/// What the extended attributes of one entry of an upper directory mean.
struct AttributeSet: Sendable, Hashable {
    /// Those that go into the layer, by name.
    var carried: [ExtendedAttribute] = []
    /// How many cannot be carried and are not merely the host's own.
    var skipped = 0
    /// `trusted.overlay.opaque`: `y` hides what is below a directory, `x` says that files may be whiteouts by attribute.
    var opaque: UInt8?
    /// `trusted.overlay.whiteout` is there.
    var isWhiteout = false
    /// An attribute of overlayfs under which this entry is not the whole truth, or one that is not known.
    var obstacle: String?
}

extension AttributeSet {
    /// Reads the attributes of an open file or directory.
    init(descriptor: Int32, path: @autoclosure () -> String) throws {
        try self.init(
            path: path(),
            list: { flistxattr(descriptor, $0, $1) },
            read: { fgetxattr(descriptor, $0, $1, $2) }
        )
    }

    /// Reads the attributes of what an O_PATH descriptor names, by its path below /proc/self/fd; a symbolic link's own.
    init(named handle: UnsafePointer<CChar>, path: @autoclosure () -> String) throws {
        try self.init(
            path: path(),
            list: { listxattr(handle, $0, $1) },
            read: { getxattr(handle, $0, $1, $2) }
        )
    }

    private init(
        path: @autoclosure () -> String,
        list: (UnsafeMutablePointer<CChar>?, Int) -> Int,
        read: (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
    ) throws {
        let names = try Self.growing("listxattr", path()) { buffer in
            list(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count)
        }
        guard let names, !names.isEmpty else { return }
        for name in names.split(separator: 0) {
            let meaning = AttributeMeaning(name)
            guard meaning.needsValue else {
                note(meaning, name: name, value: [])
                continue
            }
            let terminated = name.map { CChar(bitPattern: $0) } + [0]
            let value = try Self.growing("getxattr", path()) { read(terminated, $0.baseAddress, $0.count) }
            // Gone since it was listed: in a tree that lives.
            guard let value else { continue }
            note(meaning, name: name, value: value)
        }
        carried.sort { $0.name.lexicographicallyPrecedes($1.name) }
    }

    private mutating func note(_ meaning: AttributeMeaning, name: ArraySlice<UInt8>, value: [UInt8]) {
        switch meaning {
        case .carried: carried.append(ExtendedAttribute(name: Array(name), value: value))
        case .unnameable, .other: skipped += 1
        case .opaque:
            if value == [UInt8(ascii: "y")] || value == [UInt8(ascii: "x")] {
                opaque = value.first
            } else {
                obstacle = displayed(name)
            }
        case .whiteout: isWhiteout = true
        case .obstacle: obstacle = displayed(name)
        case .host: break
        }
    }

    /// Calls with a buffer that is large enough; nil where there are no such attributes.
    private static func growing(
        _ operation: String,
        _ path: @autoclosure () -> String,
        _ call: (UnsafeMutableRawBufferPointer) -> Int
    ) throws -> [UInt8]? {
        var capacity = 512
        while true {
            let (bytes, code): ([UInt8]?, Int32) = withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 8) {
                let count = call($0)
                return count < 0 ? (nil, errno) : (Array($0[..<count]), 0)
            }
            if let bytes { return bytes }
            switch code {
            case EINTR: continue
            case ENODATA, ENOTSUP: return nil
            // The kernel's own limit for lists and values is 64 KiB.
            case ERANGE where capacity < 1 << 20: capacity *= 8
            default: throw RootfsError.system(operation: operation, path: path(), code: code)
            }
        }
    }
}

/// What an attribute is for, by its name.
enum AttributeMeaning: Sendable, Hashable {
    /// Belongs into the layer.
    case carried
    /// Would belong into it, but PAX ends a keyword at the first `=`, and readers do not agree on an escape.
    case unnameable
    case opaque
    case whiteout
    /// overlayfs says by it that this entry is incomplete; or it is an attribute of overlayfs that is not known here.
    case obstacle
    /// Of the host, or of overlayfs and harmless: not part of the sandbox.
    case host
    /// Anything else.
    case other

    var needsValue: Bool { self == .carried || self == .opaque }

    init(_ name: some Sequence<UInt8>) {
        // Bytes, not characters: a prefix and an accent behind it would be one that has no such prefix.
        let bytes = Array(name)
        let text = String(decoding: bytes, as: UTF8.self)
        if bytes.starts(with: Self.overlayPrefix) {
            self = Self.ofOverlay(bytes.dropFirst(Self.overlayPrefix.count))
        } else if bytes.starts(with: Self.userPrefix) {
            self = bytes.contains(UInt8(ascii: "=")) ? .unnameable : .carried
        } else {
            switch text {
            case "security.capability", "system.posix_acl_access", "system.posix_acl_default": self = .carried
            case "security.selinux": self = .host
            default: self = .other
            }
        }
    }

    private static let overlayPrefix = Array("trusted.overlay.".utf8)
    private static let userPrefix = Array("user.".utf8)

    private static func ofOverlay(_ name: ArraySlice<UInt8>) -> AttributeMeaning {
        switch String(decoding: name, as: UTF8.self) {
        case "opaque": return .opaque
        case "whiteout": return .whiteout
        case "origin", "impure", "upper", "uuid", "protattr": return .host
        // redirect: content is under another name; metacopy, verity: content is below; nlink: index=on was in force.
        case "redirect", "metacopy", "verity", "nlink": return .obstacle
        // An overlay inside the sandbox: the kernel escapes that one's attributes.
        default: return name.starts(with: Array("overlay.".utf8)) ? .host : .obstacle
        }
    }
}
