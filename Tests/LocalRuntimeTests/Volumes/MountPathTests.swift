// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

@testable import LocalRuntime

@Suite("Where volumes are mounted")
struct MountPathTests {
    @Test(
        "Paths are written in one way",
        arguments: [("/a", "/a"), ("//a///b/", "/a/b"), ("/etc", "/etc"), ("/devices", "/devices"), ("/...", "/...")]
    )
    func normal(path: String, expected: String) throws {
        #expect(try MountPath(path).text == expected)
    }

    @Test(
        "Paths of the runtime's own, and those that are none, are refused",
        arguments: [
            "", "a", "/", "//", "/.", "/a/..", "/a/../proc", "/proc", "/proc/self", "/sys/fs", "/dev", "/dev/shm",
            "/etc/hosts", "/etc//resolv.conf/", "/a\0b", "/" + String(repeating: "x", count: 5000),
        ]
    )
    func refused(path: String) {
        let error = #expect(throws: SandboxError.self) { try MountPath(path) }
        #expect(error?.code == .invalidMountPath)
    }

    @Test("Outer ones come first, and none twice")
    func order() throws {
        func volume(_ path: String) -> SandboxVolume {
            SandboxVolume(name: path, source: .host(path: "/x"), mountPath: path)
        }
        let ordered = try MountPath.ordered(["/a/b/c", "/z", "/a/b", "/a"].map(volume)).map(\.path.text)
        #expect(ordered.prefix(2).sorted() == ["/a", "/z"] && ordered.suffix(2) == ["/a/b", "/a/b/c"])
        #expect(throws: SandboxError.self) { try MountPath.ordered(["/a", "/a/"].map(volume)) }
    }
}
