// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

@testable import SnapshotEngine

/// A tree with everything in it, made through a real overlay mount: what is unpacked from the layer is what the mount
/// showed.
@Suite
struct GoldenTreeTests {
    @Test(
        "what tarfile unpacks is what the overlay showed",
        arguments: [LayerCompression.fastest, .gzip(.zlib(level: 1)), .zstd(level: 1)]
    )
    func mergedTree(compression: LayerCompression) throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount()
        try SystemTool.python(GoldenScripts.changes, overlay.merged, "deep")
        let mount = try overlay.live()
        #expect(OverlayCheck.current().obstacle(in: mount) == nil)
        let writer = LayerWriter(mount: mount, options: LayerOptions(compression: compression))
        let layer = overlay.folder["layer"]
        let tar = overlay.folder["layer.tar"]
        let summary = try writer.write(toFile: layer)
        let tool = if case .zstd = compression { "zstd" } else { "gzip" }
        try SystemTool.run("sh", "-c", "\(tool) -dc < '\(layer)' > '\(tar)'")

        try SystemTool.run("cp", "-a", overlay.lower, overlay.folder["applied"])
        try SystemTool.python(GoldenScripts.apply, tar, overlay.folder["applied"])
        let entries = try SystemTool.python(GoldenScripts.compare, overlay.merged, overlay.folder["applied"])
        #expect(Int(entries.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 > 400)

        #expect(summary.counts.skippedSockets == 1)
        #expect(summary.counts.skippedAttributes == 6, "trusted.private and user.a=b, under three names")
        #expect(summary.counts.opaqueDirectories == 4, "three instead of something else, one renamed")
        #expect(summary.counts.whiteouts == 5, "the socket has taken nothing's place")
        #expect(summary.counts.devices == 3)
        #expect(summary.counts.fifos == 1)
        #expect(summary.counts.longestPath > 4_500)
        #expect(summary.counts.shortened == 0)
        let sums = try SystemTool.run("sh", "-c", "sha256sum < '\(tar)'; sha256sum < '\(layer)'; wc -c < '\(tar)'")
        let lines = sums.split(separator: "\n").map { String($0.prefix { $0 != " " }) }
        #expect(
            lines == [
                String(summary.diffID.dropFirst(7)), String(summary.digest.dropFirst(7)),
                String(summary.uncompressedSize),
            ]
        )
        let size = try FileManager.default.attributesOfItem(atPath: layer)[.size] as? Int64
        #expect(size == summary.compressedSize)
    }

    @Test("what umoci unpacks is what the overlay showed")
    func umoci() throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount()
        try SystemTool.python(GoldenScripts.changes, overlay.merged)
        var base = LayerWriter(upperDirectory: overlay.lower)
        base.options.root = .include
        let files = ["base.tar.gz", "layer.tar.gz"].map { overlay.folder[$0] }
        let lower = try base.write(toFile: files[0])
        let upper = try LayerWriter(mount: overlay.live()).write(toFile: files[1])
        let layout = overlay.folder["layout"]
        try SystemTool.python(
            GoldenScripts.layout,
            layout,
            files[0],
            lower.diffID,
            lower.digest,
            files[1],
            upper.diffID,
            upper.digest
        )
        let bundle = overlay.folder["bundle"]
        try SystemTool.run("umoci", "unpack", "--image", "\(layout):latest", bundle)
        try SystemTool.python(GoldenScripts.compare, overlay.merged, bundle + "/rootfs")
    }

    @Test("equal trees give equal layers, whatever the order in which they were made")
    func deterministic() throws {
        var summaries: [LayerSummary] = []
        for order in [1, -1] {
            let folder = try ScratchFolder()
            for index in (order > 0 ? Array(0..<300) : Array(0..<300).reversed()) {
                try folder.makeFolder("tree/\(index % 7)")
                try folder.write("tree/\(index % 7)/\(index)", String(repeating: "\(index) ", count: index * 40))
            }
            try SystemTool.run("find", folder["tree"], "-exec", "touch", "-d", "2024-01-01 00:00:00.5", "{}", "+")
            summaries.append(try LayerWriter(upperDirectory: folder["tree"]).write { _ in })
        }
        #expect(summaries[0] == summaries[1])
        #expect(summaries[0].counts.entries == 307)
    }

    @Test("a file of holes of any size does not get past the limit")
    func sizeLimit() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("t")
        try folder.write("t/a", "small")
        try SystemTool.run("truncate", "-s", "8T", folder["t/b"])
        var writer = LayerWriter(upperDirectory: folder["t"])
        writer.options.sizeLimit = 1 << 30
        #expect(throws: RootfsError.tooLarge(path: "b", limit: 1 << 30)) { try writer.write { _ in } }
        try SystemTool.run("truncate", "-s", "1M", folder["t/b"])
        #expect(try writer.write { _ in }.counts.files == 2)
    }

    @Test("without the capabilities that show everything, nothing is captured")
    func withoutCapabilities() throws {
        let folder = try ScratchFolder()
        let writer = LayerWriter(upperDirectory: try folder.makeFolder("t"))
        _ = try writer.write { _ in }
        // Of this thread only: another filesystem user loses CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH until it is root again.
        // (Swift's Glibc module does not show the call.)
        let address = try #require(dlsym(nil, "setfsuid"))
        let setFilesystemUser = unsafeBitCast(address, to: (@convention(c) (UInt32) -> Int32).self)
        #expect(setFilesystemUser(1234) == 0)
        defer { _ = setFilesystemUser(0) }
        #expect(throws: RootfsError.notPermitted(missing: ["CAP_DAC_READ_SEARCH"])) { try writer.write { _ in } }
    }

    @Test("no difference gives a layer without entries")
    func empty() throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount()
        let summary = try LayerWriter(mount: overlay.live()).write { _ in }
        #expect(summary.isEmpty)
        #expect(summary.uncompressedSize == 1024)
        #expect(summary.diffID == "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef")
    }

    @Test(
        "the root has an entry if what the sandbox may have changed of it differs from the image's",
        arguments: [
            ("chmod 750 .", "drwxr-x--- 0/0"), ("chown 7 .", "drwxr-xr-x 7/0"), ("chgrp 8 .", "drwxr-xr-x 0/8"),
            ("setfattr -n user.x -v 1 .", "drwxr-xr-x 0/0"), ("touch .", ""),
        ]
    )
    func rootEntry(change: String, expected: String) throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount()
        try SystemTool.run("sh", "-c", "cd \(overlay.merged) && \(change)")
        let layer = overlay.folder["layer.tar.gz"]
        try LayerWriter(mount: overlay.live()).write(toFile: layer)
        let listing = try SystemTool.run("tar", "--numeric-owner", "-tvzf", layer)
        #expect(listing.isEmpty == expected.isEmpty)
        #expect(listing.hasPrefix(expected))
        #expect(expected.isEmpty || listing.hasSuffix(" ./\n"))
    }

    @Test("an opaque mark on the root hides nothing, in the mount and so in the layer")
    func opaqueRoot() throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try SystemTool.run("setfattr", "-n", "trusted.overlay.opaque", "-v", "y", overlay.upper)
        try overlay.mount()
        #expect(FileManager.default.fileExists(atPath: overlay.merged + "/etc/passwd"))
        let summary = try LayerWriter(mount: overlay.live()).write { _ in }
        #expect(summary.isEmpty)
    }
}
