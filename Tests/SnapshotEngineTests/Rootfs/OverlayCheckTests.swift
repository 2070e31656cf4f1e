// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

@Suite
struct OverlayCheckTests {
    private func mount(_ options: String...) throws -> OverlayMount {
        try OverlayMount(options: ["lowerdir=/l", "upperdir=/u", "workdir=/w"] + options)
    }

    @Test("options under which the upper directory is incomplete")
    func options() throws {
        let check = OverlayCheck()
        for option in ["redirect_dir=on", "metacopy=on", "index=on", "nfs_export=on", "userxattr"] {
            #expect(check.obstacle(in: try mount(option)) == .option(option))
        }
        for option in [
            "redirect_dir=off", "redirect_dir=follow", "redirect_dir=nofollow", "index=off", "volatile", "xino=auto",
            "fsync=volatile", "uuid=on", "default_permissions", "rw", "seclabel", "context=\"a:s0:c1,c2\"",
        ] {
            #expect(check.obstacle(in: try mount(option)) == nil)
        }
        #expect(check.obstacle(in: try mount("redirect_dir=sideways")) == .unknownOption("redirect_dir=sideways"))
        #expect(check.obstacle(in: try mount("xino=on", "upperstore=s3")) == .unknownOption("upperstore=s3"))
        var mapped = try mount()
        mapped.flags = ["rw", "idmapped"]
        #expect(check.obstacle(in: mapped) == .idMapped)
        var data = try mount()
        data.dataDirectories = ["/d"]
        #expect(check.obstacle(in: data) != nil)
    }

    @Test("the kernel shows only what differs from its defaults, so they count too")
    func defaults() throws {
        let check = OverlayCheck(defaults: ["metacopy": true, "index": false])
        #expect(check.obstacle(in: try mount()) == .option("metacopy=on"))
        #expect(check.obstacle(in: try mount("metacopy=off")) == nil)
        #expect(Set(OverlayCheck.current().defaults.keys) == ["redirect_dir", "metacopy", "index"])
    }

    @Test("an attribute of overlayfs that is not known stops the capture; a nested overlay's does not")
    func unknownAttribute() throws {
        let folder = try ScratchFolder()
        try folder.makeFolder("upper")
        try folder.write("upper/file")
        let writer = LayerWriter(upperDirectory: folder["upper"])
        try SystemTool.run("setfattr", "-n", "trusted.overlay.overlay.opaque", "-v", "y", folder["upper/file"])
        _ = try writer.write { _ in }
        try SystemTool.run("setfattr", "-n", "trusted.overlay.new", "-v", "y", folder["upper/file"])
        #expect(throws: RootfsError.unsuitable(.attribute(name: "trusted.overlay.new", path: "file"))) {
            try writer.write { _ in }
        }
    }

    @Test("capabilities are read from a status file")
    func capabilities() throws {
        #expect(ProcessCapabilities(status: "Name:\tx\nCapEff:\t0000000000000000\n")?.missingForCapture.count == 2)
        #expect(ProcessCapabilities(status: "CapEff:\t0000000000200002\n")?.missingForCapture == [])
        #expect(ProcessCapabilities(status: "CapEff:\t0000000000200004\n")?.missingForCapture == [])
        #expect(ProcessCapabilities(status: "CapEff:\t0000000000000004\n")?.missingForCapture == ["CAP_SYS_ADMIN"])
        #expect(
            ProcessCapabilities(status: "CapEff:\t0000000000200000\n")?.missingForCapture == ["CAP_DAC_READ_SEARCH"]
        )
        let elsewhere = ProcessCapabilities(effective: .max, isInInitialUserNamespace: false)
        #expect(elsewhere.missingForCapture == ["the initial user namespace"])
        for text in ["", "CapEff:", "CapEff:\tzz", "CapEff 0", "CapPrm:\t00"] {
            #expect(ProcessCapabilities(status: text) == nil)
        }
        #expect(try ProcessCapabilities.current().missingForCapture == [])
    }

    @Test("only the identity is an identity")
    func identityMaps() {
        #expect(OverlayCheck.isIdentity(map: "         0          0 4294967295\n"))
        for map in ["", "0 0 65536\n", "0 100000 65536\n", "0 0 1\n1 1 4294967294\n", "0 0"] {
            #expect(!OverlayCheck.isIdentity(map: map))
        }
    }
}
