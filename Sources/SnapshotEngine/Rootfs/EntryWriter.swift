// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Turns what the walk finds into entries of a tar, and counts them.
struct EntryWriter {
    private let baseline: RootBaseline
    private let sizeLimit: Int64
    private let progress: LayerProgress
    private(set) var links = HardLinkTable()
    private(set) var counts = LayerCounts()

    init(baseline: RootBaseline, sizeLimit: Int64?, progress: LayerProgress) {
        self.baseline = baseline
        self.sizeLimit = sizeLimit ?? .max
        self.progress = progress
    }

    mutating func write(_ entry: UpperEntry, to tar: inout TarWriter) throws {
        try progress.checkCancellation()
        progress.addEntry()
        counts.longestPath = max(counts.longestPath, entry.path.count)
        switch entry.kind {
        case .whiteout:
            return try writeWhiteout(entry, to: &tar)
        case .socket(let hides):
            counts.skippedSockets += 1
            // Not if there is nothing to hide: in a directory of one layer only, overlayfs shows whiteouts.
            return hides ? try writeWhiteout(entry, to: &tar) : ()
        case .directory(let isOpaque):
            return try writeDirectory(entry, isOpaque: isOpaque, to: &tar)
        case .regular, .symbolicLink, .characterDevice, .blockDevice, .fifo:
            break
        }
        if let first = links.firstName(of: entry) {
            counts.hardLinks += 1
            // The metadata once more: unpackers set those of the entry on the inode, or take away what it lacks.
            var header = header(.hardLink, entry)
            header.linkTarget = first
            return try tar.append(header)
        }
        try writeFirstName(entry, to: &tar)
    }

    private mutating func writeWhiteout(_ entry: UpperEntry, to tar: inout TarWriter) throws {
        counts.whiteouts += 1
        // The kernel shares one inode among whiteouts: its metadata say nothing.
        try tar.append(TarHeader(kind: .file, path: Whiteout.entry(for: entry.path)))
    }

    private mutating func writeDirectory(_ entry: UpperEntry, isOpaque: Bool, to tar: inout TarWriter) throws {
        var header = header(.directory, entry)
        if entry.path.isEmpty {
            guard baseline.wantsEntry(entry) else { return }
            header.path = Array(".".utf8)
        }
        counts.directories += 1
        header.path.append(UInt8(ascii: "/"))
        try tar.append(header)
        guard isOpaque else { return }
        counts.opaqueDirectories += 1
        try tar.append(TarHeader(kind: .file, path: header.path + Whiteout.opaqueMarker))
    }

    private mutating func writeFirstName(_ entry: UpperEntry, to tar: inout TarWriter) throws {
        switch entry.kind {
        case .regular:
            guard entry.status.size <= sizeLimit - tar.size else {
                throw RootfsError.tooLarge(path: displayed(entry.path), limit: sizeLimit)
            }
            counts.files += 1
            var header = header(.file, entry)
            header.size = entry.status.size
            let isComplete = try tar.append(
                header,
                contentsOf: entry.contents,
                isSparse: entry.status.mayBeSparse,
                progress: progress
            )
            if !isComplete { counts.shortened += 1 }
        case .symbolicLink(let target):
            counts.symbolicLinks += 1
            var header = header(.symbolicLink, entry)
            header.linkTarget = target
            try tar.append(header)
        case .characterDevice, .blockDevice:
            counts.devices += 1
            var header = header(entry.kind == .blockDevice ? .blockDevice : .characterDevice, entry)
            header.deviceMajor = entry.status.deviceMajor
            header.deviceMinor = entry.status.deviceMinor
            try tar.append(header)
        case .fifo:
            counts.fifos += 1
            try tar.append(header(.fifo, entry))
        case .directory, .socket, .whiteout:
            break
        }
    }

    private func header(_ kind: TarHeader.Kind, _ entry: UpperEntry) -> TarHeader {
        TarHeader(
            kind: kind,
            path: entry.path,
            permissions: entry.status.permissions,
            user: entry.status.user,
            group: entry.status.group,
            modified: entry.status.modified,
            attributes: entry.attributes
        )
    }
}

/// What the root directory must differ from to have an entry of its own.
struct RootBaseline {
    private enum Rule {
        case never
        case always
        case unless(FileStatus, [ExtendedAttribute])
    }

    private let rule: Rule

    init(_ entry: RootEntry) throws {
        switch entry {
        case .omit: rule = .never
        case .include: rule = .always
        case .includeIfDifferent(let path):
            let named = OwnedDescriptor(try SystemCall.result("open", path) { clinux_open_path(path) })
            let directory = OwnedDescriptor(try SystemCall.result("open", path) { clinux_open_directory(named.number) })
            rule = .unless(
                try FileStatus(of: directory.number, path: path),
                try AttributeSet(descriptor: directory.number, path: path).carried
            )
        }
    }

    func wantsEntry(_ root: UpperEntry) -> Bool {
        switch rule {
        case .never: return false
        case .always: return true
        case .unless(let status, let attributes):
            return root.status.permissions != status.permissions || root.status.user != status.user
                || root.status.group != status.group || root.attributes != attributes
        }
    }
}
