// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// One artifact, the snapshot that owns it, one sandbox at a time that is created from it, and the process that deletes
/// what nobody refers to.
struct RetentionWorld: ExploredWorld {
    var isStored: UInt8 = 1
    var owner = Owner.ready
    /// 1: it is remembered that the artifact is to be deleted when nobody refers to it.
    var isRetained: UInt8 = 0
    /// 1: there is a sandbox that refers to it, as it is written down.
    var sandbox: UInt8 = 0
    var creation = Creation.none
    var sweep = Sweep.idle
    /// What the count has found so far.
    var sawCreation: UInt8 = 0
    var sawSandbox: UInt8 = 0
    var sawOwner: UInt8 = 0
    /// 1: there may be something to delete.
    var isUntidy: UInt8 = 0
    var creations: UInt8 = 0
    var faults: UInt8 = 0

    // Filled up to a multiple of eight bytes.
    private var padding: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)

    enum Owner: UInt8 { case ready, deleting, removed }
    /// A creation says that it is about to refer to the artifact, looks whether its owner has it, writes down, withdraws.
    enum Creation: UInt8 { case none, announced, looked, written }
    /// One thing after the other is read, then all is decided upon.
    enum Sweep: UInt8 { case idle, begun, readFirst, readSandboxes, readAll, forgetting }
}

/// What can happen around it.
enum RetentionEvent: UInt8, CaseIterable {
    case ownerDeletes, creationProceeds, sandboxIsDeleted, sweepProceeds, processDies
}

/// A retention with one deliberate mistake.
enum RetentionMutation: CaseIterable {
    /// Deletes whatever its owner gives up.
    case countsNobody
    /// Asks last who is about to refer to it.
    case asksForCreationsLast
    /// Counts the owner that gives it up.
    case countsTheOwner
    /// Does not remember what others refer to.
    case retainsNothing
    /// Does not look again when a sandbox is gone.
    case overlooksDeletion

    var law: Law {
        switch self {
        case .countsNobody, .asksForCreationsLast: .references
        case .countsTheOwner, .retainsNothing, .overlooksDeletion: .progress
        }
    }
}
