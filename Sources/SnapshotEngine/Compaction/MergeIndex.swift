// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What each path of a stack of layers comes to when they are merged into one: the first of two passes over them, from
/// the topmost layer down.
///
/// An entry is kept if no layer above has its path, and none hides it: by deleting a directory it is in, by having
/// something else in that directory's place, or by an opaque mark. What a layer hides of the layers below, also of those
/// that are not merged, the merged one hides as well: whiteouts stay, and a directory that hides anything becomes opaque.
///
/// It takes some 40 bytes a path, however long.
struct MergeIndex: Sendable {
    /// The number of a layer, the topmost first.
    typealias Layer = UInt8

    /// How many names are taken at most.
    static let mostPaths = 3_000_000
    /// How many bytes are spent on files of which one name is gone and another is kept.
    static let mostLinkBytes = 32 << 20

    /// What is known of one path.
    struct Path: Sendable, Hashable {
        static let none = Layer.max
        /// The layer whose entry is kept.
        fileprivate(set) var top = none
        /// The first layer that hides what the layers below have beneath this path.
        fileprivate(set) var closed = none
        /// The last layer that has it, visible or not.
        fileprivate var last = none
        fileprivate var flags: Flags = []

        /// Whether what is kept is a directory that hides what is below.
        var isOpaque: Bool { closed != Self.none && flags.contains(.topIsDirectory) }
    }

    fileprivate struct Flags: OptionSet, Hashable {
        let rawValue: UInt8
        static let topIsDirectory = Flags(rawValue: 1)
        // Of the last layer's entry.
        static let isDirectory = Flags(rawValue: 2)
        /// It is the first name of something that may have others.
        static let isLinkable = Flags(rawValue: 4)
        static let isKept = Flags(rawValue: 8)
        /// It is a directory, and something above hides what is in it.
        static let isHiding = Flags(rawValue: 16)
    }

    /// A file of which a name is gone and another is kept.
    struct TornFile: Sendable, Hashable {
        /// The name that is kept in the place of the first one; nil if the first one is.
        var path: [UInt8]?
    }

    private(set) var paths: [PathKey: Path] = [:]
    private var torn: [[PathKey: TornFile]] = [[:]]
    private var linkBytes = 0
    private var keys = PathKeys()
    private var targetKeys = PathKeys()

    /// The layer whose entries are added.
    var layer: Layer { Layer(torn.count - 1) }

    /// Goes on to the layer below.
    mutating func endLayer() { torn.append([:]) }

    /// Adds the next entry of the layer.
    mutating func add(_ entry: TarEntry) throws(CompactionObstacle) {
        switch try LayerEntry(entry) {
        case .opaque(let directory):
            keys.move(to: directory)
            guard var path = paths[keys.key], path.last == layer, path.flags.contains(.isDirectory) else {
                throw .missingDirectory(path: displayed(entry.path))
            }
            guard !path.flags.contains(.isHiding) else { return }
            path.closed = min(path.closed, layer)
            paths[keys.key] = path
        case .whiteout(let path):
            try add(path, flags: [], entry)
        case .present(let path):
            let flags: Flags =
                switch entry.kind {
                case .directory: .isDirectory
                case .hardLink: []
                default: .isLinkable
                }
            try add(path, flags: flags, entry)
            if entry.kind == .hardLink { try link(entry) }
        }
    }

    private mutating func add(_ name: [UInt8], flags: Flags, _ entry: TarEntry) throws(CompactionObstacle) {
        keys.move(to: name)
        var isVisible = true
        if keys.directory != .root {
            guard let directory = paths[keys.directory], directory.last == layer, directory.flags.contains(.isDirectory)
            else { throw .missingDirectory(path: displayed(entry.path)) }
            isVisible = !directory.flags.contains(.isHiding)
        }
        var path = paths[keys.key] ?? Path()
        guard path.last != layer else { throw .duplicate(path: displayed(entry.path)) }
        let isDirectory = flags.contains(.isDirectory)
        path.last = layer
        path.flags = path.flags.intersection(.topIsDirectory).union(flags)
        if isVisible, path.top == Path.none {
            path.top = layer
            path.flags.insert(isDirectory ? [.topIsDirectory, .isKept] : .isKept)
            if !isDirectory { path.closed = layer }
        } else if isVisible, !isDirectory {
            // What is below was not to be seen although there is a directory above.
            path.closed = min(path.closed, layer)
        }
        if isDirectory, !isVisible || path.closed < layer { path.flags.insert(.isHiding) }
        paths[keys.key] = path
        guard paths.count <= Self.mostPaths else { throw .tooManyPaths(limit: Self.mostPaths) }
    }

    /// Notes what has to be done about a further name of a file.
    private mutating func link(_ entry: TarEntry) throws(CompactionObstacle) {
        targetKeys.move(to: entry.linkTarget)
        let target = targetKeys.key
        guard let first = paths[target], first.last == layer, first.flags.contains(.isLinkable) else {
            throw .linkTarget(path: displayed(entry.path))
        }
        let isKept = paths[keys.key]?.flags.contains(.isKept) == true
        let firstIsKept = first.flags.contains(.isKept)
        guard isKept != firstIsKept else { return }
        let index = torn.count - 1
        if torn[index][target] == nil {
            torn[index][target] = TornFile()
            linkBytes += 64
        }
        if isKept, torn[index][target]?.path == nil {
            torn[index][target]?.path = entry.path
            linkBytes += entry.path.count
        }
        guard linkBytes <= Self.mostLinkBytes else { throw .tooManyPaths(limit: Self.mostPaths) }
    }

    // MARK: The second pass

    /// What is known of a path.
    subscript(_ key: PathKey) -> Path { paths[key] ?? Path() }

    /// The file of a layer with this first name, if some of its names are kept and others are not.
    func tornFile(_ key: PathKey, in layer: Layer) -> TornFile? { torn[Int(layer)][key] }
}
