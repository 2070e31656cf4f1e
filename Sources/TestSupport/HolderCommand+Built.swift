// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
public import SnapshotEngine

extension HolderCommand {
    /// A holder's process made of the program `stasis-committer` that was built beside the tests: the tests' own process is
    /// no program that has the subcommand.
    public static var built: HolderCommand {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        return HolderCommand(executable: folder.appending(path: "stasis-committer").path)
    }
}
