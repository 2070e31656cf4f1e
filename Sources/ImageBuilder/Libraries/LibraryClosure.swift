// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Everything that a program needs on the machine where it starts: its loader, and its libraries with theirs.
///
/// Found as the dynamic loader finds it, but by reading: the loader itself (`ld.so --list`) would choose what suits this
/// machine's processor, runs for no other processor, and obeys the environment.
public struct LibraryClosure: Sendable, Hashable {
    /// A library, and where it was found.
    public struct Library: Sendable, Hashable {
        /// The name that it is needed by, and found by in the image.
        public var name: String
        /// Its path on this machine.
        public var path: String
        /// Whether it is one of the system's, found where every program would find it. Others came with a toolchain or a
        /// program.
        public var isSystem: Bool
    }

    /// The program.
    public var program: ELFFile
    /// The path of the program's loader; nil of a static program.
    public var loader: String?
    /// The libraries by their names, but for the loader, which is one too.
    public var libraries: [Library]

    /// The folder of the system's libraries in which the loader searches without being told: that of the C library. `/lib`
    /// without one.
    public var systemFolder: String {
        let standard = libraries.first { $0.isSystem && $0.name.hasPrefix("libc.") }
        guard let path = standard?.path, let slash = path.lastIndex(of: "/") else { return "/lib" }
        return String(path[..<slash])
    }

    /// Finds what a program needs.
    ///
    /// - Parameters:
    ///   - program: Its path.
    ///   - folders: Where to search besides where program and libraries say.
    ///   - read: Reads the headers of a file; nil if there is none.
    ///   - folder: The folder in which a file really is: what `$ORIGIN` means.
    /// - Throws: `ImageBuilderError`, and what `read` throws.
    public init(
        of program: String,
        folders: LibraryFolders,
        read: (_ path: String) throws -> ELFFile?,
        folder: (_ path: String) -> String
    ) throws {
        guard let root = try read(program) else {
            throw ImageBuilderError.system(operation: "open", path: program, code: 2)
        }
        self.program = root
        loader = root.interpreter
        libraries = []
        var loaderNames: Set<String> = []
        if let loader {
            guard let file = try read(loader) else {
                throw ImageBuilderError.loaderMissing(path: loader, program: program)
            }
            loaderNames = [file.soname ?? String(loader.split(separator: "/").last ?? "")]
        }
        var found: [String: Library] = [:]
        var waiting = [(path: program, file: root)]
        let inherited = root.runPath.isEmpty ? Self.expanded(root.rPath, origin: folder(program)) : []
        while let (path, file) = waiting.popLast() {
            let origin = folder(path)
            let own = Self.expanded(file.runPath.isEmpty ? file.rPath : file.runPath, origin: origin)
            let first = file.runPath.isEmpty ? own + inherited : own
            for name in file.needed where found[name] == nil && !loaderNames.contains(name) {
                let candidates = Self.candidates(name, first: first, system: folders.paths)
                var match: (Library, ELFFile)?
                for candidate in candidates {
                    // A library of another processor is passed over, as the loader does.
                    guard let other = try? read(candidate.path), other.machine == root.machine else { continue }
                    match = (candidate, other)
                    break
                }
                guard let (library, other) = match else {
                    throw ImageBuilderError.libraryMissing(
                        name: name,
                        neededBy: path,
                        searched: name.contains("/") ? [name] : first + folders.paths
                    )
                }
                found[name] = library
                waiting.append((library.path, other))
            }
        }
        libraries = found.values.sorted { $0.name < $1.name }
    }

    private static func candidates(_ name: String, first: [String], system: [String]) -> [Library] {
        if name.contains("/") { return [Library(name: name, path: name, isSystem: false)] }
        return first.map { Library(name: name, path: "\($0)/\(name)", isSystem: system.contains($0)) }
            + system.map { Library(name: name, path: "\($0)/\(name)", isSystem: true) }
    }

    /// Folders as a file writes them; those with a word that only the loader knows (`$LIB`, `$PLATFORM`) are left out.
    private static func expanded(_ folders: [String], origin: String) -> [String] {
        folders.compactMap { folder in
            var text = folder
            for word in ["${ORIGIN}", "$ORIGIN"] {
                text = text.split(separator: word, omittingEmptySubsequences: false).joined(separator: origin)
            }
            return text.hasPrefix("/") && !text.contains("$") ? text : nil
        }
    }
}
