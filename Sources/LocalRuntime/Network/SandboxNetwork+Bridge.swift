// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

extension SandboxNetwork {
    /// Removes the bridge if no interface is attached to it. Call it when the service ends; the next sandbox makes the
    /// bridge again.
    ///
    /// - Returns: whether there is no bridge any more.
    /// - Throws: `SandboxError` if the kernel refuses.
    public func removeBridgeIfUnused() throws -> Bool {
        let name = configuration.bridge
        let folder = "/sys/class/net/\(name)"
        guard access(folder, F_OK) == 0 else { return true }
        guard let ports = opendir("\(folder)/brif") else { return false }  // It is no bridge.
        defer { closedir(ports) }
        while let entry = readdir(ports) {
            // "." and ".." are the only names that begin so: an interface with such a name could not have been made.
            if entry.pointee.d_name.0 != UInt8(ascii: ".") { return false }
        }

        let control = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard control >= 0 else { throw Self.failure("open a control socket for", name) }
        defer { close(control) }
        var request = InterfaceRequest(name: name, flags: 0)
        guard ioctl(control, Self.setFlags, &request) == 0 else { throw Self.failure("take down", name) }
        guard ioctl(control, Self.deleteBridge, &request) == 0 else { throw Self.failure("remove", name) }
        return true
    }

    // Request numbers of linux/sockios.h.
    private static let setFlags: UInt = 0x8914
    private static let deleteBridge: UInt = 0x89a1

    private static func failure(_ what: String, _ name: String) -> SandboxError {
        SandboxError(
            .runtimeUnavailable,
            "Could not \(what) the network bridge \(name): \(String(cString: strerror(errno)))."
        )
    }
}

/// The layout of `struct ifreq`: 16 bytes of name and 24 of a union, of which only the flags are used here.
private struct InterfaceRequest {
    private var name: (UInt64, UInt64) = (0, 0)
    private var flags: Int16
    private var rest: (Int16, Int32, UInt64, UInt64) = (0, 0, 0, 0)

    init(name text: String, flags: Int16) {
        self.flags = flags
        withUnsafeMutableBytes(of: &name) { $0.copyBytes(from: text.utf8.prefix(15)) }
    }
}
