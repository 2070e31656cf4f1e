// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import OCIRegistry
import Testing

@testable import SnapshotEngine

/// A sandbox's history: an image's root, and upper directories on top of one another, each made through a real overlay
/// mount and captured as one layer or two. Gone with the test.
final class StackFixture {
    /// A captured layer in a file.
    struct Layer {
        var file: String
        var summary: LayerSummary
    }

    let folder: ScratchFolder
    /// The layers so far, lowest first.
    private(set) var layers: [Layer] = []
    private(set) var lower: [String]
    private var mounts: [String] = []

    var base: String { folder["base"] }

    /// Makes the root of the image; `prepare` fills it (its first argument is its path).
    init(prepare: String, _ arguments: String...) throws {
        folder = try ScratchFolder()
        lower = [try folder.makeFolder("base")]
        try SystemTool.run("python3", ["-c", prepare, base] + arguments)
    }

    deinit {
        for mount in mounts.reversed() { _ = try? SystemTool.run("umount", "-l", mount) }
    }

    /// Mounts the next upper directory, lets `change` work in it, and captures it.
    ///
    /// - Parameter later: Works in it after it was copied alive; a second layer has what it changes.
    func capture(_ change: (String) throws -> Void, then later: ((String) throws -> Void)? = nil) throws {
        let number = mounts.count + 1
        let (upper, work, merged) = (folder["upper\(number)"], folder["work\(number)"], folder["merged\(number)"])
        for name in [upper, work, merged] {
            try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: false)
        }
        try mount("lowerdir=\(lower.joined(separator: ":")),upperdir=\(upper),workdir=\(work)", at: merged)
        try change(merged)
        let mount = try OverlayMount(at: merged, mountInfo: SystemCall.contents(of: "/proc/self/mountinfo"))
        var writer = LayerWriter(mount: mount)
        if let later {
            writer.pass = .living
            let record = try write(writer)?.record
            try later(merged)
            writer.pass = record.map { .changes(since: $0) } ?? .whole
        }
        do {
            try write(writer)
        } catch let torn as TornLinks {
            guard case .changes(let record, _) = writer.pass else { throw torn }
            writer.pass = .changes(since: record, copying: torn.files)
            try write(writer)
        }
        lower.insert(upper, at: 0)
    }

    @discardableResult
    private func write(_ writer: LayerWriter) throws -> LayerSummary? {
        let file = folder["layer\(layers.count)"]
        let summary = try writer.write(toFile: file)
        if !summary.isEmpty { layers.append(Layer(file: file, summary: summary)) }
        return summary
    }

    /// What the sandbox sees in the end.
    func view() throws -> String { try mountView(of: lower, "view") }

    /// Directories, topmost first, as overlayfs merges them.
    func mountView(of directories: [String], _ name: String) throws -> String {
        let merged = try folder.makeFolder(name)
        // An overlay of one directory is none.
        try mount("lowerdir=\((directories + [try folder.makeFolder("empty")]).joined(separator: ":"))", at: merged)
        return merged
    }

    private func mount(_ options: String, at merged: String) throws {
        try SystemTool.run("mount", "-t", "overlay", "overlay", "-o", options, merged)
        mounts.append(merged)
    }

    /// Merges layers into one.
    func merge(_ layers: [Layer], compression: LayerCompression = .fastest) async throws -> Layer {
        let file = folder["merged-\(UInt32.random(in: 0 ... .max))"]
        let merge = LayerMerge(
            diffIDs: try layers.reversed().map { try Digest(parsing: $0.summary.diffID) },
            base: LowerView(directories: [base]),
            compression: compression
        )
        let files = Array(layers.map(\.file).reversed())
        let open: @Sendable (Int) async throws -> FilePieces = { FilePieces(path: files[$0]) }
        let index = try await withBlobFeed(count: files.count, open: open) { feed in
            try await onOwnThread("index") { try merge.index(feed, progress: LayerProgress()) }
        }
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        defer { try? handle.close() }
        let summary = try await withBlobFeed(count: files.count, open: open) { feed in
            try await withLayerStream { progress, sink in
                try merge.write(feed, by: index, progress: progress, to: sink)
            } body: { stream in
                for try await chunk in stream { try handle.write(contentsOf: Data(chunk.readableBytesView)) }
                return try stream.summary()
            }
        }
        return Layer(file: file, summary: summary)
    }

    /// Unpacks layers on a copy of the base, with a program of ours that knows nothing of merging.
    func unpack(_ layers: [Layer]) throws -> String {
        let target = folder["unpacked-\(UInt32.random(in: 0 ... .max))"]
        try SystemTool.run("cp", "-a", base, target)
        for layer in layers { try SystemTool.python(GoldenScripts.apply, layer.file, target) }
        return target
    }

    /// Unpacks a layer as container runtimes do for overlayfs: what is deleted becomes a device.
    func unpackForOverlay(_ layer: Layer) throws -> String {
        let target = try folder.makeFolder("overlay-\(UInt32.random(in: 0 ... .max))")
        try SystemTool.python(GoldenScripts.apply, layer.file, target, "overlay")
        return target
    }

    /// An image layout of the base and some layers, tagged latest.
    func layout(_ layers: [Layer]) throws -> String {
        var writer = LayerWriter(upperDirectory: base)
        writer.options.root = .include
        let file = folder["base.tar.gz"]
        let all = [Layer(file: file, summary: try writer.write(toFile: file))] + layers
        let layout = folder["layout-\(UInt32.random(in: 0 ... .max))"]
        let arguments = all.flatMap { [$0.file, $0.summary.diffID, $0.summary.digest] }
        try SystemTool.run("python3", ["-c", GoldenScripts.layout, layout] + arguments)
        return layout
    }
}

/// A file's bytes, in pieces of no particular size.
struct FilePieces: AsyncSequence, Sendable {
    let path: String
    var size = 70_001

    func makeAsyncIterator() -> Iterator { Iterator(handle: FileHandle(forReadingAtPath: path), size: size) }

    struct Iterator: AsyncIteratorProtocol {
        let handle: FileHandle?
        let size: Int

        mutating func next() async throws -> ByteBuffer? {
            guard let bytes = try handle?.read(upToCount: size), !bytes.isEmpty else { return nil }
            return ByteBuffer(bytes: bytes)
        }
    }
}
