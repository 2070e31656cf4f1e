// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// In a frozen tree nothing vanishes; in one that is copied while it runs, files come and go.
enum VanishedFiles: Sendable, Hashable {
    /// The walk fails.
    case refuse
    /// It is counted, and left to a later walk.
    case skip
}

/// Visits everything in an upper directory: a directory before what is in it, names in the order of their bytes.
///
/// The tree belongs to somebody hostile and may change meanwhile. So each name is first only named (O_PATH, no link
/// followed, no mount crossed), then looked at, and opened only if it is a regular file or a directory; names are
/// resolved one at a time below an open directory, never as a path, which also keeps depth without a limit.
struct UpperWalk {
    /// How many directories above the current one stay open; those further up are opened again on the way back.
    static let openDirectories = 64

    /// What became of names that were not visited.
    struct Omitted: Sendable, Hashable {
        /// Named as only whiteouts may be; with what is in them.
        var reserved: [String] = []
        var reservedCount = 0
        var vanished = 0
        var attributes = 0
    }

    let root: String
    let reservedNames: ReservedNames
    let vanishedFiles: VanishedFiles
    /// What the layers below show; nil if that is not known.
    let lower: LowerView?
    private(set) var omitted = Omitted()
    /// Written while a living tree is walked; nil else.
    var record: CopyRecord?
    /// What was copied before; nil if all is to be.
    var comparison: CopyComparison?

    var path: [UInt8] = []
    private var frames: [DirectoryFrame] = []
    var rootMount: UInt64 = 0
    var rootDevice: UInt64 = 0

    init(
        root: String,
        reservedNames: ReservedNames,
        vanishedFiles: VanishedFiles,
        lower: LowerView? = nil,
        record: CopyRecord? = nil,
        comparison: CopyComparison? = nil
    ) {
        self.root = root
        self.reservedNames = reservedNames
        self.vanishedFiles = vanishedFiles
        self.lower = lower
        self.record = record
        self.comparison = comparison
    }

    /// Walks once. Blocking.
    mutating func run(_ visit: (UpperEntry) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
        defer { buffer.deallocate() }
        let entry = OwnedDescriptor(try SystemCall.result("open", root) { clinux_open_path(root) })
        let status = try FileStatus(of: entry.number, path: root)
        guard status.kind == .directory else {
            throw RootfsError.system(operation: "open", path: root, code: ENOTDIR)
        }
        rootMount = status.mount
        rootDevice = status.identity.device
        let (known, mode) = try takeRoot()
        try enter(entry.number, status: status, known: known, mode: mode, buffer: buffer, visit)
        while let frame = frames.last {
            guard frame.next < frame.names.count else {
                try end(frame, visit)
                do { try leave() } catch  where isLiving { endAll() }
                continue
            }
            frame.next += 1
            path.removeSubrange(frame.pathCount...)
            do {
                try frame.names.withName(at: frame.next - 1) { try visitName($0, in: frame, buffer: buffer, visit) }
            } catch let error as RootfsError where isLiving && error.isOfLivingTree {
                omitted.vanished += 1
                frame.isComplete = false
            }
        }
        try checkRoot(entry.number, status.identity)
    }

    /// Whether the tree changes while it is walked. What is missed then, a later walk finds.
    private var isLiving: Bool { vanishedFiles == .skip }

    private mutating func visitName(
        _ name: UnsafeBufferPointer<UInt8>,
        in frame: DirectoryFrame,
        buffer: UnsafeMutableRawBufferPointer,
        _ visit: (UpperEntry) throws -> Void
    ) throws {
        if !path.isEmpty { path.append(UInt8(ascii: "/")) }
        path.append(contentsOf: name)
        if name.starts(with: Whiteout.prefix) {
            guard case .skip = reservedNames else { throw RootfsError.reservedName(path: displayed(path)) }
            omitted.reservedCount += 1
            frame.isComplete = false
            if omitted.reserved.count < 100 { omitted.reserved.append(displayed(path)) }
            return
        }
        var known: CopyRecordCursor.Entry?
        if case .compared = frame.mode {
            let isDone: Bool
            (known, isDone) = try compare(name, in: frame, visit)
            if isDone { return }
        }
        let entry = OwnedDescriptor(try open(name, in: frame))
        let status = try FileStatus(of: entry.number, path: displayed(path))
        try checkMount(status)
        switch status.kind {
        case .directory:
            try enter(entry.number, status: status, known: known, mode: frame.mode, buffer: buffer, visit)
            return
        case .regular:
            try visitRegular(entry.number, status: status, in: frame, visit)
        case .symbolicLink:
            let target = try SystemCall.linkTarget(entry.number, "", path: displayed(path))
            try visitSpecial(.symbolicLink(target: target), entry.number, status: status, visit)
        case .characterDevice where status.isWhiteoutDevice:
            try give(UpperEntry(path: path, kind: .whiteout, status: status, attributes: [], contents: -1), visit)
        case .characterDevice:
            try visitSpecial(.characterDevice, entry.number, status: status, visit)
        case .blockDevice:
            try visitSpecial(.blockDevice, entry.number, status: status, visit)
        case .fifo:
            try visitSpecial(.fifo, entry.number, status: status, visit)
        case .socket:
            let hides = try known?.isInLayer == true || !frame.hidesLower && (lower?.shows(path) ?? true)
            try give(
                UpperEntry(path: path, kind: .socket(hides: hides), status: status, attributes: [], contents: -1),
                visit
            )
        }
    }

    func checkMount(_ status: FileStatus) throws {
        guard rootMount == 0 ? status.identity.device == rootDevice : status.mount == rootMount else {
            throw RootfsError.unsuitable(.mountInside(path: displayed(path)))
        }
    }

    private mutating func visitRegular(
        _ entry: Int32,
        status: FileStatus,
        in frame: DirectoryFrame,
        _ visit: (UpperEntry) throws -> Void
    ) throws {
        let file = try OpenContents(
            withProcPath(of: entry) { handle in
                try SystemCall.result("open", displayed(path)) { clinux_open_file(handle) }
            }
        )
        // Before the status is taken: what is written through a mapping after that, changes it.
        if isLiving { _ = try SystemCall.result("sync_file_range", displayed(path)) { clinux_write_back(file.number) } }
        let opened = try FileStatus(of: file.number, path: displayed(path))
        guard opened.kind == .regular, opened.identity == status.identity else {
            throw RootfsError.changed(path: displayed(path), detail: "another file was opened than the one found")
        }
        let attributes = try AttributeSet(descriptor: file.number, path: displayed(path))
        // Only in a directory that says so, and only an empty file: as the kernel has it.
        if attributes.isWhiteout, frame.hasWhiteoutFiles, opened.size == 0 {
            return try give(
                UpperEntry(path: path, kind: .whiteout, status: opened, attributes: [], contents: -1),
                visit
            )
        }
        try refuse(attributes, isDirectory: false)
        omitted.attributes += attributes.skipped
        try give(
            UpperEntry(
                path: path,
                kind: .regular,
                status: opened,
                attributes: attributes.carried,
                contents: file.number,
                file: file
            ),
            visit
        )
    }

    private mutating func visitSpecial(
        _ kind: UpperEntry.Kind,
        _ entry: Int32,
        status: FileStatus,
        _ visit: (UpperEntry) throws -> Void
    ) throws {
        let attributes = try withProcPath(of: entry) { try AttributeSet(named: $0, path: displayed(path)) }
        try refuse(attributes, isDirectory: false)
        omitted.attributes += attributes.skipped
        try give(
            UpperEntry(path: path, kind: kind, status: status, attributes: attributes.carried, contents: -1),
            visit
        )
    }

    /// Visits a directory, and makes it the one whose names come next.
    private mutating func enter(
        _ entry: Int32,
        status: FileStatus,
        known: CopyRecordCursor.Entry?,
        mode: CopyComparison.Mode,
        buffer: UnsafeMutableRawBufferPointer,
        _ visit: (UpperEntry) throws -> Void
    ) throws {
        let descriptor = try SystemCall.result("open", displayed(path)) { clinux_open_directory(entry) }
        let frame = DirectoryFrame(descriptor: descriptor, identity: status.identity, pathCount: path.count)
        let attributes = try AttributeSet(descriptor: descriptor, path: displayed(path))
        try refuse(attributes, isDirectory: true)
        omitted.attributes += attributes.skipped
        frame.hasWhiteoutFiles = attributes.opaque == UInt8(ascii: "x")
        // The kernel does not honour an opaque root: the layers below stay visible.
        let isOpaque = attributes.opaque == UInt8(ascii: "y") && !path.isEmpty
        frame.hidesLower = isOpaque || frames.last?.hidesLower == true
        var directory = UpperEntry(
            path: path,
            kind: .directory(isOpaque: isOpaque),
            status: status,
            attributes: attributes.carried,
            contents: -1
        )
        let plan = try plan(for: directory, isOpaque: isOpaque, known: known, mode: mode)
        frame.mode = plan.mode
        directory.kind = .directory(isOpaque: plan.isMarked)
        if plan.isGiven {
            try give(directory, visit)
        } else if !path.isEmpty {
            frame.pending = directory
        }
        do {
            frame.names = try DirectoryNames(reading: descriptor, buffer: buffer, path: displayed(path))
        } catch {
            record?.appendEnd(isComplete: false)
            throw error
        }
        frames.append(frame)
        if frames.count > Self.openDirectories { frames[frames.count - 1 - Self.openDirectories].close() }
    }

    /// Visits an entry, after the directories that it is in, and records it once it is in the layer.
    mutating func give(_ entry: UpperEntry, _ visit: (UpperEntry) throws -> Void) throws {
        if comparison != nil {
            let start = frames.lastIndex { $0.pending == nil }.map { $0 + 1 } ?? 0
            for frame in frames[start...] {
                if let directory = frame.pending.take() { try visit(directory) }
            }
        }
        try visit(entry)
        record?.append(entry)
    }

    /// Goes back to the directory above, which is opened again from below if it had to be closed.
    private mutating func leave() throws {
        let child = frames.removeLast()
        guard let parent = frames.last, parent.descriptor < 0 else { return }
        let name = displayed(path.prefix(parent.pathCount))
        let descriptor = try SystemCall.result("open", name) { clinux_open_parent(child.descriptor) }
        parent.descriptor = descriptor
        guard try FileStatus(of: descriptor, path: name).identity == parent.identity else {
            throw RootfsError.changed(path: name, detail: "a directory in it was moved elsewhere")
        }
    }

    /// Has nothing more to do with any directory: the tree was moved about too much to find the way back.
    private mutating func endAll() {
        for _ in frames { record?.appendEnd(isComplete: false) }
        frames = []
    }

    /// How often an entry is tried to be opened before it is taken for a mount.
    private static let openAttempts = 32

    private func open(_ name: UnsafeBufferPointer<UInt8>, in frame: DirectoryFrame) throws -> Int32 {
        try name.withMemoryRebound(to: CChar.self) { name in
            guard let base = name.baseAddress else { throw RootfsError.reservedName(path: displayed(path)) }
            // The kernel says EXDEV for a mount, and also for an entry that is renamed away just while it is opened.
            for _ in 0..<Self.openAttempts {
                do {
                    return try SystemCall.result("open", displayed(path)) { clinux_open_entry(frame.descriptor, base) }
                } catch RootfsError.system(_, _, EXDEV) {
                    continue
                }
            }
            throw RootfsError.unsuitable(.mountInside(path: displayed(path)))
        }
    }

    private func refuse(_ attributes: AttributeSet, isDirectory: Bool) throws {
        let found =
            attributes.obstacle ?? (attributes.isWhiteout ? "trusted.overlay.whiteout" : nil)
            ?? (attributes.opaque != nil && !isDirectory ? "trusted.overlay.opaque" : nil)
        guard let found else { return }
        throw RootfsError.unsuitable(.attribute(name: found, path: displayed(path)))
    }

    /// A snapshot that is removed under a walk reads as an empty directory: that must not pass for an empty difference.
    private func checkRoot(_ descriptor: Int32, _ identity: FileStatus.Identity) throws {
        let removed = RootfsError.changed(path: root, detail: "the directory was removed")
        guard try FileStatus(of: descriptor, path: root).links > 0 else { throw removed }
        let again = OwnedDescriptor(clinux_open_path(root))
        guard again.number >= 0, try FileStatus(of: again.number, path: root).identity == identity else {
            throw removed
        }
    }
}

/// `/proc/self/fd/N`: the way to what an O_PATH descriptor names that nobody can put something else into.
private func withProcPath<Result>(
    of descriptor: Int32,
    _ body: (UnsafePointer<CChar>) throws -> Result
) rethrows -> Result {
    try "/proc/self/fd/\(descriptor)".withCString(body)
}
