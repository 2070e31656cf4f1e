// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import SnapshotEngine

@Suite
struct LayerStreamTests {
    /// A tree of random bytes, which do not compress: as many as come out.
    private func noise(megabytes: Int) throws -> ScratchFolder {
        let folder = try ScratchFolder()
        try folder.makeFolder("t")
        try SystemTool.run("sh", "-c", "head -c \(megabytes << 20) /dev/urandom > \(folder["t/noise"])")
        return folder
    }

    @Test("the stream is the blob, and then there is a summary")
    func wholeStream() async throws {
        let folder = try noise(megabytes: 20)
        let writer = LayerWriter(upperDirectory: folder["t"])
        let expected = try writer.write { _ in }
        let (digest, summary, chunks) = try await withLayerStream(writer) { stream in
            #expect(throws: RootfsError.unfinished) { try stream.summary() }
            var hash = SHA256()
            var chunks: [Int] = []
            for try await chunk in stream {
                chunk.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
                chunks.append(chunk.readableBytes)
            }
            #expect(stream.progress.entries == 2)
            #expect(stream.progress.bytesRead == 20 << 20)
            return (hash.finalize().map { String(format: "%02x", $0) }.joined(), try stream.summary(), chunks)
        }
        #expect(summary == expected)
        #expect("sha256:" + digest == expected.digest)
        #expect(chunks.reduce(0, +) == Int(summary.compressedSize))
    }

    @Test("a slow reader slows the thread down")
    func backPressure() async throws {
        let folder = try noise(megabytes: 30)
        try await withLayerStream(LayerWriter(upperDirectory: folder["t"]), window: 2) { stream in
            var taken = 0
            for try await chunk in stream {
                taken += chunk.readableBytes
                // There is no event for "it did not go on": give it time to.
                if taken <= 5 << 20 { try await Task.sleep(for: .milliseconds(20)) }
                #expect(stream.progress.bytesWritten <= taken + 4 << 20)
            }
            #expect(taken > 30 << 20)
        }
    }

    @Test("an error in the walk reaches the reader, also as the summary")
    func failure() async throws {
        let folder = try noise(megabytes: 1)
        try folder.write("t/.wh.x")
        await #expect(throws: RootfsError.reservedName(path: ".wh.x")) {
            try await withLayerStream(LayerWriter(upperDirectory: folder["t"])) { stream in
                for try await _ in stream {}
            }
        }
        try await withLayerStream(LayerWriter(upperDirectory: folder["none"])) { stream in
            do {
                for try await _ in stream { Issue.record("there is nothing to read") }
            } catch {}
            #expect(throws: RootfsError.system(operation: "open", path: folder["none"], code: 2)) {
                try stream.summary()
            }
        }
    }

    @Test("a reader that stops early, or fails, stops the thread")
    func abandoned() async throws {
        struct Enough: Error {}
        let folder = try noise(megabytes: 50)
        for fails in [true, false] {
            let progress = LayerProgress()
            let result = await Result {
                try await withLayerStream(LayerWriter(upperDirectory: folder["t"]), progress: progress) { stream in
                    for try await _ in stream {
                        if fails { throw Enough() }
                        break
                    }
                    #expect(throws: RootfsError.unfinished) { try stream.summary() }
                }
            }
            if fails { #expect(throws: Enough.self) { try result.get() } } else { try result.get() }
            #expect(progress.bytesRead < 20 << 20)
            #expect(try OpenFiles.below(folder.path) == 0)
        }
    }

    @Test("cancelling the task stops the thread, wherever it waits", arguments: [0, 1, 3, 6])
    func cancelled(after chunks: Int) async throws {
        let folder = try noise(megabytes: 50)
        let progress = LayerProgress()
        let (reached, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let task = Task {
            try await withLayerStream(LayerWriter(upperDirectory: folder["t"]), progress: progress) { stream in
                var count = 0
                var iterator = stream.makeAsyncIterator()
                while count < chunks, try await iterator.next() != nil { count += 1 }
                signal.finish()
                // Suspends until the cancellation, so that the next read begins after it.
                try? await Task.sleep(for: .seconds(3600))
                while try await iterator.next() != nil {}
            }
        }
        for await _ in reached {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(progress.bytesRead < 20 << 20)
        #expect(try OpenFiles.below(folder.path) == 0)
    }

    @Test("cancelling the progress alone stops both sides")
    func cancelledProgress() async throws {
        let folder = try noise(megabytes: 50)
        await #expect(throws: CancellationError.self) {
            try await withLayerStream(LayerWriter(upperDirectory: folder["t"]), window: 1) { stream in
                for try await _ in stream { stream.progress.cancel() }
            }
        }
        #expect(try OpenFiles.below(folder.path) == 0)
    }

    @Test("a small layer that was cancelled before it was read does not pass for a whole one")
    func cancelledAfterTheEnd() async throws {
        let folder = try noise(megabytes: 1)
        await #expect(throws: CancellationError.self) {
            try await withLayerStream(LayerWriter(upperDirectory: folder["t"])) { stream in
                while stream.progress.bytesWritten < 1 << 20 { await Task.yield() }
                stream.progress.cancel()
                for try await _ in stream {}
            }
        }
    }

    @Test("many at once")
    func parallel() async throws {
        let folder = try noise(megabytes: 2)
        let writer = LayerWriter(
            upperDirectory: folder["t"],
            options: LayerOptions(compression: .gzip(.zlib(level: 1)))
        )
        let digests = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await withLayerStream(writer) { stream in
                        for try await _ in stream {}
                        return try stream.summary().digest
                    }
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(digests.count == 1)
    }
}

extension Result where Failure == any Error {
    /// The outcome of asynchronous work.
    fileprivate init(_ work: () async throws -> Success) async {
        do { self = .success(try await work()) } catch { self = .failure(error) }
    }
}
