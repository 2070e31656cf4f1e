// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import SnapshotEngine

/// Whatever the texts are that the kernel and containerd give: read, or refused with an error; never a crash.
@Suite
struct RootfsFuzzTests {
    private static let fragments = [
        "lowerdir=", "lowerdir+=", "datadir+=", "upperdir=", "workdir=", "context=\"a,b\"", "\"", "::", ":", ",", "\\",
        "\\134",
        "\\072", "\\040", "\\777", "\\1", " ", " - ", "-", "\n", "/", "//", "=", "overlay", "\u{1}", "\u{0}", "é",
        "\u{301}",
        "4294967295", "index=on", "0",
    ]

    @Test("lines of mountinfo")
    func mountInfo() {
        let lines = [
            "45 27 0:39 / / rw,relatime shared:7 - overlay overlay rw,lowerdir=/a/2/fs:/a/1/fs,upperdir=/a/3\\054x/fs,workdir=/w,index=off",
            "1 2 0:3 / / rw,idmapped - overlay none rw,context=\"a:b:c0,c1\",lowerdir+=/a:b,datadir+=/c,upperdir=/u,workdir=/w",
            "1 2 0:3 / / rw - overlay overlay rw,lowerdir=/a\\134:b\\134\\134:/c::/d,upperdir=/u,workdir=/w,volatile",
            "21 27 0:20 / /sys rw,nosuid shared:2 - sysfs sysfs rw\n45 27 0:39 / / rw - overlay o rw,lowerdir=1/fs,upperdir=/u,workdir=/w\n",
        ]
        var mutator = Mutator(seed: 31, fragments: Self.fragments)
        var budget = FuzzBudget(10_000)
        var read = 0
        while budget.goesOn() {
            let bytes = mutator.variant(of: lines)
            guard let mount = try? OverlayMount(at: "/", mountInfo: bytes) else { continue }
            read += 1
            #expect(mount.upperDirectory.utf8.first == UInt8(ascii: "/") && mount.mountPoint == "/")
            #expect(!mount.lowerDirectories.isEmpty && !mount.lowerDirectories.contains(""))
            _ = OverlayCheck().obstacle(in: mount)?.description
        }
        #expect(read > 100)
    }

    @Test("options of a snapshotter")
    func options() {
        let options = [
            "index=off", "workdir=/s/9/work", "upperdir=/s/9/fs", "lowerdir=/s/2\\:x/fs:/s/1\\\\/fs::/d", "volatile",
        ]
        var mutator = Mutator(seed: 32, fragments: Self.fragments)
        var budget = FuzzBudget(10_000)
        var read = 0
        while budget.goesOn() {
            var some = options
            let number = Int.random(in: 0..<some.count, using: &mutator)
            some[number] = mutator.text(of: options)
            guard let mount = try? OverlayMount(options: some) else { continue }
            read += 1
            #expect(mount.upperDirectory.utf8.first == UInt8(ascii: "/"))
            #expect(!mount.lowerDirectories.isEmpty && !mount.lowerDirectories.contains(""))
        }
        #expect(read > 100)
    }

    @Test("paths of any kind come back from what the kernel makes of them", arguments: [true, false])
    func writtenAndRead(isNew: Bool) throws {
        var random = SeededRandom(33)
        func path() -> String {
            let pieces = ["a", "b", ":", ",", "\\", " ", "\n", "\t", "#", "=", "\"", "é", "-", "134", "072"]
            return (1...Int.random(in: 1...6, using: &random)).reduce(into: "/") { path, _ in
                path += pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }
        }
        // As seq_escape has it: blanks, backslashes and what separates options, in octal.
        func octal(_ text: String) -> String {
            text.unicodeScalars.reduce(into: "") { result, character in
                switch character {
                case " ": result += "\\040"
                case ",": result += "\\054"
                case "\n": result += "\\012"
                case "\t": result += "\\011"
                case "\\": result += "\\134"
                default: result.unicodeScalars.append(character)
                }
            }
        }
        func escaped(_ path: String) -> String {
            path.unicodeScalars.reduce(into: "") { result, character in
                if character == "\\" || character == ":" { result += "\\" }
                result.unicodeScalars.append(character)
            }
        }
        for _ in 0..<2000 {
            let lowers = (0..<Int.random(in: 1...4, using: &random)).map { _ in path() }
            let upper = path()
            let shown =
                isNew
                ? lowers.map { "lowerdir+=\(octal($0))" }.joined(separator: ",")
                : "lowerdir=" + lowers.map { octal(escaped($0)) }.joined(separator: ":")
            let line = "1 2 0:3 / / rw - overlay overlay rw,\(shown),upperdir=\(octal(upper)),workdir=/w,index=off"
            let mount = try OverlayMount(mountInfoLine: line)
            #expect(mount.lowerDirectories == lowers, "\(line)")
            #expect(mount.upperDirectory == upper)
            #expect(mount.options == ["rw", "index=off"])
        }
    }

    @Test("maps of a user namespace and status files")
    func processFiles() {
        var mutator = Mutator(seed: 34, fragments: Self.fragments + ["CapEff:", "\t", "ffffffffffffffffff"])
        var budget = FuzzBudget(10_000)
        while budget.goesOn() {
            let map = mutator.text(of: ["         0          0 4294967295\n", "0 100000 65536\n1 1 1\n"])
            let fields = map.split(whereSeparator: { $0 == " " || $0 == "\n" })
            if OverlayCheck.isIdentity(map: map) { #expect(fields == ["0", "0", "4294967295"]) }
            let status = mutator.text(of: ["Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n"])
            let capabilities = ProcessCapabilities(status: status)
            if capabilities != nil { #expect(status.contains("CapEff:")) }
        }
    }

    @Test("names of attributes: nothing of overlayfs or the host gets into a layer")
    func attributeNames() {
        let names = [
            "trusted.overlay.opaque", "trusted.overlay.overlay.opaque", "user.mime_type", "security.capability",
            "security.selinux",
            "system.posix_acl_access", "trusted.overlay.redirect", "user.overlay.opaque", "security.ima",
        ]
        let carried = ["security.capability", "system.posix_acl_access", "system.posix_acl_default"].map {
            Array($0.utf8)
        }
        var mutator = Mutator(
            seed: 35,
            fragments: Self.fragments + ["trusted.", "overlay.", "user.", "security.", "system.", "."]
        )
        var budget = FuzzBudget(10_000)
        while budget.goesOn() {
            let name = mutator.variant(of: names)
            let isUser = name.starts(with: Array("user.".utf8))
            let isOverlay = name.starts(with: Array("trusted.overlay.".utf8))
            switch AttributeMeaning(name) {
            case .carried: #expect(isUser && !name.contains(UInt8(ascii: "=")) || carried.contains(name))
            case .unnameable: #expect(isUser && name.contains(UInt8(ascii: "=")))
            case .opaque, .whiteout, .obstacle: #expect(isOverlay)
            case .host: #expect(isOverlay || name == Array("security.selinux".utf8))
            case .other: #expect(!isUser && !isOverlay)
            }
        }
    }
}
