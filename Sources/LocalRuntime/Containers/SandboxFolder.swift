// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

import struct Foundation.Data
import class Foundation.FileManager
import struct Foundation.URL

/// The files that this machine keeps for one sandbox while it has compute: those that are mounted over files of the
/// sandbox, and its log.
///
/// It is made before anything else of a sandbox and removed after everything else, so its existence is the record that
/// there may be something to clean up. Its methods block.
struct SandboxFolder: Sendable {
    /// The folder's path.
    let path: String

    /// The folder of a sandbox.
    ///
    /// - Parameter id: a valid identifier (`ContainerSpecification.isIdentifier`), so that it is one name within `parent`.
    init(parent: String, id: String) {
        path = "\(parent)/\(id)"
    }

    /// Whether it is there. If it is not, there is nothing of the sandbox on this machine.
    var exists: Bool { access(path, F_OK) == 0 }
    /// The file that the sandbox's standard output and standard error go to.
    var logPath: String { "\(path)/log" }
    /// The log of the run before.
    var previousLogPath: String { "\(path)/log.1" }
    /// Where file systems are mounted for a moment, to be looked into.
    var mountPoint: String { "\(path)/look" }

    /// The mounts of the files over those of the sandbox, as Kubernetes does it: what is written there is no part of
    /// the sandbox's root filesystem and is not captured.
    var mounts: [RuntimeSpec.Mount] {
        ["hosts", "hostname", "resolv.conf"].map { .file("\(path)/\($0)", at: "/etc/\($0)") }
    }

    /// Makes the folder and its files. The log of the run before is kept aside, once, so that logs stay bounded in
    /// number.
    ///
    /// - Parameters:
    ///   - hostname: the sandbox's host name.
    ///   - resolver: the text of the machine's `/etc/resolv.conf`.
    func prepare(hostname: String, resolver: String) throws {
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        if access(logPath, F_OK) == 0 { rename(logPath, previousLogPath) }
        try write("hostname", "\(hostname)\n")
        try write("hosts", Self.hosts(hostname: hostname, address: nil))
        try write("resolv.conf", Self.resolver(from: resolver))
    }

    /// Writes the sandbox's own address where its programs look for it.
    func setAddress(_ address: String, hostname: String) throws {
        try write("hosts", Self.hosts(hostname: hostname, address: address))
    }

    /// Removes the folder and everything in it. Nothing happens if it is not there.
    func remove() throws {
        // A process that was killed while it looked into a file system leaves it mounted.
        umount2(mountPoint, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW))
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch  where access(path, F_OK) != 0 {
            return
        }
    }

    /// The last bytes of the log, as text; empty if there is none.
    func logTail(_ count: Int) -> String {
        let file = open(logPath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return "" }
        defer { close(file) }
        let end = lseek(file, 0, SEEK_END)
        var buffer = [UInt8](repeating: 0, count: count)
        let read = pread(file, &buffer, count, max(0, end - off_t(count)))
        return read > 0 ? String(decoding: buffer[..<read], as: UTF8.self) : ""
    }

    /// Writes in place: the file may be mounted in a sandbox already, and a new one would not be seen there.
    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
        chmod("\(path)/\(name)", 0o644)
    }

    /// The text of `/etc/hosts`.
    static func hosts(hostname: String, address: String?) -> String {
        var text = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
        if let address { text += "\(address)\t\(hostname)\n" }
        return text
    }

    /// The machine's `/etc/resolv.conf` without the name servers that only the machine itself can reach. If none is
    /// left, sandboxes have no name server: none is invented.
    static func resolver(from text: String) -> String {
        let lines = text.split(separator: "\n").filter { line in
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.first == "nameserver" else { return words.first?.first.map { $0 != "#" && $0 != ";" } ?? false }
            guard words.count > 1 else { return false }
            return !words[1].hasPrefix("127.") && words[1] != "::1"
        }
        return lines.map { "\($0)\n" }.joined()
    }
}
