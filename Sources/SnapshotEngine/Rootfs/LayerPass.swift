// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// How much of an upper directory goes into a layer.
public enum LayerPass: Sendable {
    /// Everything. Nothing may change meanwhile.
    case whole
    /// Everything that can be had while the tree lives: what comes and goes meanwhile is in it or not, and what is written
    /// meanwhile may be torn. The summary has a record of it, and only with the changes since it is one instant.
    ///
    /// Writes through memory mappings are seen only on filesystems that write back: see `LayerWriter.canCopyLiving`.
    case living
    /// What is not as it was when an earlier copy was made. Nothing may change meanwhile. `copying` are files to be copied
    /// even if they are unchanged, as `TornLinks` tells.
    case changes(since: CopyRecord, copying: Set<FileIdentity> = [])

    var isOfChanges: Bool {
        if case .changes = self { true } else { false }
    }
}

/// Files with several names of which some have changed and others have not: a name was moved with its directory. Only if
/// all names are copied they still are one file. Copy again, with these.
public struct TornLinks: Error, Sendable {
    /// The files.
    public var files: Set<FileIdentity>
}

extension LayerWriter {
    /// Whether the upper directory is on a filesystem where no write to a copied file goes unseen. Elsewhere (tmpfs writes
    /// nothing back, of others it is not known) only a frozen tree can be copied.
    ///
    /// - Throws: `RootfsError.system` if the directory cannot be opened.
    public func canCopyLiving() throws -> Bool {
        let directory = OwnedDescriptor(
            try SystemCall.result("open", upperDirectory) { clinux_open_path(upperDirectory) }
        )
        // ext2 to ext4, XFS, Btrfs, F2FS: linux/magic.h.
        return [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010].contains(clinux_filesystem(directory.number))
    }
}

extension FileTime {
    /// Two ticks of the slowest clock that the kernel stamps files with.
    private static let twoTicks: Int64 = 20_000_000

    /// A time that every change from now on is not before.
    static func beforeNow() throws -> FileTime {
        var (seconds, nanoseconds): (Int64, Int64) = (0, 0)
        _ = try SystemCall.result("clock_gettime", "the clock") { clinux_coarse_time(&seconds, &nanoseconds) }
        nanoseconds -= twoTicks
        return nanoseconds < 0
            ? FileTime(seconds: seconds - 1, nanoseconds: UInt32(nanoseconds + 1_000_000_000))
            : FileTime(seconds: seconds, nanoseconds: UInt32(nanoseconds))
    }
}
