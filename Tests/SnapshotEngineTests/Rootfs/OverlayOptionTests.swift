// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SnapshotEngine

/// Real mounts with every option that says something about the upper directory: what it holds is captured right, or
/// refused, while the mount is there and after it was mounted otherwise.
@Suite
struct OverlayOptionTests {
    /// What makes the upper directory incomplete where an option lets it.
    private static let operations = """
        mv moved moved-away; chmod 600 etc/passwd; echo x >>linked-1; ln etc/hosts var/hosts; rm -r opaque; mkdir opaque
        touch opaque/new; rm deleted; chown 7 was-file; mv usr/bin bin
        """

    private func change(_ overlay: OverlayFixture) throws {
        try SystemTool.run("sh", "-ec", "cd '\(overlay.merged)'; \(Self.operations)")
    }

    /// Captures, applies what was captured to the lower directory, and compares that with the mount.
    private func expectRight(_ overlay: OverlayFixture) throws {
        let mount = try overlay.live()
        #expect(OverlayCheck.current().obstacle(in: mount) == nil, "\(mount.options)")
        try LayerWriter(mount: mount).write(toFile: overlay.folder["layer"])
        try SystemTool.run("cp", "-a", overlay.lower, overlay.folder["applied"])
        try SystemTool.python(GoldenScripts.apply, overlay.folder["layer"], overlay.folder["applied"])
        try SystemTool.python(GoldenScripts.compare, overlay.merged, overlay.folder["applied"])
    }

    @Test(
        "with these the upper directory is the difference",
        arguments: [
            "", "redirect_dir=off", "redirect_dir=follow", "redirect_dir=nofollow", "index=off", "metacopy=off",
            "nfs_export=off", "xino=on", "xino=auto", "xino=off", "volatile", "default_permissions",
        ]
    )
    func captured(option: String) throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount(option)
        try change(overlay)
        try expectRight(overlay)
    }

    @Test("lower directories that were given one by one", arguments: [true, false])
    func separateLowers(isSeparate: Bool) throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        let other = try overlay.folder.makeFolder("other")
        let lowers =
            isSeparate ? "lowerdir+=\(overlay.lower),lowerdir+=\(other)" : "lowerdir=\(overlay.lower):\(other)"
        do {
            try overlay.mount(lowers: lowers)
        } catch let error as SystemTool.Failure where isSeparate {
            // The kernel takes them from 6.8 on.
            try #require("\(error)".contains("bad option") || "\(error)".contains("bad superblock"))
            return
        }
        #expect(try overlay.live().lowerDirectories == [overlay.lower, other])
        try change(overlay)
        try expectRight(overlay)
    }

    @Test(
        "with these it is not, and what such a mount has left behind is noticed in the tree, whatever the options say now",
        arguments: [
            ("redirect_dir=on", "redirect_dir=on", "trusted.overlay.redirect", "bin"),
            ("metacopy=on", "redirect_dir=on", "trusted.overlay.redirect", "bin"),
            ("metacopy=on,redirect_dir=off", nil, nil, nil),
            ("index=on", "index=on", "trusted.overlay.nlink", "etc/hosts"),
            ("index=on,nfs_export=on", "index=on", "trusted.overlay.nlink", "etc/hosts"),
        ]
    )
    func refused(option: String, shown: String?, attribute: String?, path: String?) throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        do {
            try overlay.mount(option)
        } catch is SystemTool.Failure where shown == nil {
            // The kernel refuses what contradicts itself, and so do we what it has not refused.
            return
        }
        #expect(OverlayCheck.current().obstacle(in: try overlay.live()) == shown.map { .option($0) })
        try change(overlay)
        try overlay.unmount()
        try overlay.mount()
        #expect(OverlayCheck.current().obstacle(in: try overlay.live()) == nil)
        #expect {
            try LayerWriter(mount: try overlay.live()).write { _ in }
        } throws: {
            guard case RootfsError.unsuitable(.attribute(attribute, path)) = $0 else { return false }
            return "\($0)".contains("create the sandbox anew")
        }
    }

    @Test("a file of which only the metadata were copied is noticed by its mark")
    func metadataOnly() throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount("metacopy=on")
        try SystemTool.run("chmod", "600", "\(overlay.merged)/etc/passwd")
        #expect(OverlayCheck.current().obstacle(in: try overlay.live()) != nil)
        try overlay.unmount()
        try overlay.mount()
        let expected = RootfsError.unsuitable(.attribute(name: "trusted.overlay.metacopy", path: "etc/passwd"))
        #expect(throws: expected) { try LayerWriter(mount: try overlay.live()).write { _ in } }
    }

    @Test("where anybody may make marks the mount is refused; afterwards they are attributes like others")
    func userAttributes() throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        try overlay.mount("userxattr")
        #expect(OverlayCheck.current().obstacle(in: try overlay.live()) == .option("userxattr"))
        try change(overlay)
        try overlay.unmount()
        try overlay.mount()
        let mark = "getfattr --absolute-names --only-values -n user.overlay.opaque '\(overlay.upper)/opaque'"
        #expect(try SystemTool.run("sh", "-c", mark) == "y")
        try expectRight(overlay)
    }

    @Test("layers that give only content are refused")
    func dataOnly() throws {
        let overlay = try OverlayFixture(prepare: GoldenScripts.lower)
        let data = try overlay.folder.makeFolder("data")
        do {
            try overlay.mount("metacopy=on", lowers: "lowerdir=\(overlay.lower)::\(data)")
        } catch is SystemTool.Failure {
            // Before Linux 6.5 there are none.
            return
        }
        var mount = try overlay.live()
        #expect(mount.dataDirectories == [data])
        mount.options = mount.options.filter { !$0.hasSuffix("=on") }
        #expect(OverlayCheck.current().obstacle(in: mount) == .option("data-only lower directories"))
    }
}
