// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NIOCore
import Testing

@testable import SnapshotEngine

@Suite
struct TarWriterTests {
    /// Writes an archive into a file.
    private func archive(_ path: String, blockSize: Int = 1 << 20, _ body: (inout TarWriter) throws -> Void) throws {
        var bytes: [UInt8] = []
        try withoutActuallyEscaping({ (block: ByteBuffer) in bytes += block.readableBytesView }) { consume in
            var tar = TarWriter(blocks: BlockBuffer(blockSize: blockSize, consume: consume))
            try body(&tar)
            try tar.finish()
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test("a plain header is Python's, byte for byte")
    func plainHeader() throws {
        let header = TarHeader(
            kind: .file,
            path: Array("etc/passwd".utf8),
            permissions: 0o4755,
            user: 0o7777777,
            group: 7,
            size: 0o77777777777,
            modified: FileTime(seconds: 1_700_000_000, nanoseconds: 0)
        )
        let device = TarHeader(
            kind: .blockDevice,
            path: Array(String(repeating: "d", count: 100).utf8),
            permissions: 0o600,
            deviceMajor: 4095,
            deviceMinor: 1_048_575
        )
        let link = TarHeader(
            kind: .symbolicLink,
            path: [0x61],
            linkTarget: Array(String(repeating: "t", count: 100).utf8)
        )
        let expected = try SystemTool.python(
            #"""
            import tarfile
            def show(name, **fields):
                info = tarfile.TarInfo(name); info.mode = info.uid = info.gid = info.mtime = 0
                for key, value in fields.items(): setattr(info, key, value)
                print(info.tobuf(tarfile.USTAR_FORMAT).hex())
            show("etc/passwd", mode=0o4755, uid=0o7777777, gid=7, size=0o77777777777, mtime=1700000000)
            show("d" * 100, type=tarfile.BLKTYPE, mode=0o600, devmajor=4095, devminor=1048575)
            show("a", type=tarfile.SYMTYPE, linkname="t" * 100)
            """#
        ).split(separator: "\n").map(String.init)
        let actual = try [header, device, link].map { header in
            try header.encoded().map { String(format: "%02x", $0) }.joined()
        }
        #expect(actual.count == expected.count)
        for (actual, expected) in zip(actual, expected) { #expect(actual == expected) }
    }

    @Test("records count their own length, also where that adds a digit")
    func recordLengths() throws {
        for size in 0..<1200 {
            var bytes: [UInt8] = []
            PaxRecords.append("key".utf8, repeatElement(0x76, count: size), to: &bytes)
            let digits = bytes.prefix { $0 != 0x20 }
            #expect(Int(String(decoding: digits, as: UTF8.self)) == bytes.count)
            #expect(bytes.last == 0x0a)
        }
    }

    @Test(
        "times as decimal fractions",
        arguments: [
            (0, 0, "0"), (1, 500_000_000, "1.5"), (1, 1, "1.000000001"), (-2, 500_000_000, "-1.5"),
            (-1, 999_999_999, "-0.000000001"), (-5, 0, "-5"), (9_000_000_000, 120, "9000000000.00000012"),
        ] as [(Int64, UInt32, String)]
    )
    func times(seconds: Int64, nanoseconds: UInt32, expected: String) {
        let time = FileTime(seconds: seconds, nanoseconds: nanoseconds)
        #expect(String(decoding: PaxRecords.decimal(time), as: UTF8.self) == expected)
    }

    @Test("Python and GNU tar read names, numbers and attributes that need PAX")
    func extendedHeaders() throws {
        let folder = try ScratchFolder()
        let long = Array(String(repeating: "long/", count: 40).utf8) + Array("name".utf8)
        try archive(folder["a.tar"]) { tar in
            try tar.append(
                TarHeader(
                    kind: .file,
                    path: long,
                    permissions: 0o640,
                    user: 3_000_000_000,
                    group: 2_097_152,
                    modified: FileTime(seconds: 1_700_000_000, nanoseconds: 123_456_789),
                    attributes: [ExtendedAttribute(name: Array("user.k".utf8), value: [0, 0x0a, 0x3d, 0xff])]
                ),
                content: Array("content".utf8)
            )
            try tar.append(
                TarHeader(kind: .hardLink, path: Array("b\u{fc}".utf8), linkTarget: long, permissions: 0o640)
            )
            try tar.append(TarHeader(kind: .directory, path: [0xff, 0x2f], permissions: 0o1777))
            try tar.append(TarHeader(kind: .file, path: Array("last".utf8)), content: [0x78])
        }
        let python = try SystemTool.python(
            #"""
            import sys, tarfile
            a = tarfile.open(sys.argv[1], errors="surrogateescape")
            for m in a:
                value = m.pax_headers.get("SCHILY.xattr.user.k", "").encode("utf-8", "surrogateescape").hex()
                name = m.name.encode("utf-8", "surrogateescape")
                print(m.type.decode(), len(name), name[-6:].hex(), oct(m.mode), m.uid, m.gid, m.size, len(m.linkname),
                    m.pax_headers.get("mtime"), value, m.pax_headers.get("hdrcharset"), a.extractfile(m).read() if m.isreg() else "")
            """#,
            folder["a.tar"]
        )
        #expect(
            python.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) } == [
                "0 204 672f6e616d65 0o640 3000000000 2097152 7 0 1700000000.123456789 000a3dff None b'content'",
                "1 3 62c3bc 0o640 0 0 0 204 None  None",
                "5 1 ff 0o1777 0 0 0 0 None  BINARY",
                "0 4 6c617374 0o0 0 0 1 0 None  None b'x'",
            ]
        )
        let gnu = try SystemTool.run("tar", "--numeric-owner", "--full-time", "--utc", "-tvf", folder["a.tar"])
        #expect(gnu.contains("3000000000/2097152"))
        #expect(gnu.contains("2023-11-14 22:13:20.123456789"))
        #expect(gnu.contains("drwxrwxrwt 0/0"))
        #expect(gnu.contains("link to long/long/"))
    }

    @Test("a size over 8 GiB goes into a record")
    func largeSize() throws {
        var header = TarHeader(kind: .file, path: [0x61])
        header.size = 1 << 33
        let text = String(decoding: try header.encoded(), as: UTF8.self)
        #expect(text.contains("19 size=8589934592\n"))
        header.size -= 1
        #expect(try header.encoded().count == 512)
    }

    @Test("attributes beyond what readers take are refused")
    func tooManyAttributes() throws {
        var header = TarHeader(kind: .file, path: Array("file".utf8))
        header.attributes = (0..<17).map { index in
            ExtendedAttribute(name: Array("user.\(index)".utf8), value: Array(repeating: 0, count: 65_000))
        }
        #expect(throws: RootfsError.self) { try header.encoded() }
    }

    @Test(
        "a file that is shorter or longer than its header says does not shift what follows",
        arguments: [512, 4096, 1 << 20]
    )
    func changedSize(blockSize: Int) throws {
        let folder = try ScratchFolder()
        try folder.write("file", String(repeating: "x", count: 1000))
        let file = OwnedDescriptor(open(folder["file"], O_RDONLY))
        try archive(folder["a.tar"], blockSize: blockSize) { tar in
            for (name, size, isComplete) in [("same", 1000, true), ("shrunk", 5000, false), ("grown", 300, true)] {
                let header = TarHeader(kind: .file, path: Array(name.utf8), size: Int64(size))
                let result = try tar.append(header, contentsOf: file.number, isSparse: false, progress: LayerProgress())
                #expect(result == isComplete)
            }
            try tar.append(TarHeader(kind: .file, path: Array("after".utf8)), content: Array("after".utf8))
        }
        let shown = try SystemTool.python(
            """
            import sys, tarfile
            a = tarfile.open(sys.argv[1])
            print([(m.name, c.count(b"x"), c.count(0), len(c)) for m in a for c in [a.extractfile(m).read()]])
            """,
            folder["a.tar"]
        )
        #expect(
            shown
                == "[('same', 1000, 0, 1000), ('shrunk', 1000, 4000, 5000), ('grown', 300, 0, 300), ('after', 0, 0, 5)]\n"
        )
    }

    @Test("holes are zeros, and are not read")
    func holes() throws {
        let folder = try ScratchFolder()
        try SystemTool.python(
            """
            import sys
            with open(sys.argv[1], "wb") as f:
                f.seek(20_000_000); f.write(b"data" * 1000); f.truncate(50_000_003)
            """,
            folder["sparse"]
        )
        let file = OwnedDescriptor(open(folder["sparse"], O_RDONLY))
        let status = try FileStatus(of: file.number, path: "sparse")
        #expect(status.mayBeSparse)
        let progress = LayerProgress()
        try archive(folder["a.tar"], blockSize: 1 << 16) { tar in
            let header = TarHeader(kind: .file, path: Array("sparse".utf8), size: status.size)
            let isComplete = try tar.append(header, contentsOf: file.number, isSparse: true, progress: progress)
            #expect(isComplete)
        }
        #expect(progress.bytesRead >= 4000 && progress.bytesRead < 1 << 20)
        try SystemTool.run("tar", "-C", try folder.makeFolder("out"), "-xf", folder["a.tar"])
        try SystemTool.run("cmp", folder["sparse"], folder["out/sparse"])
    }
}
