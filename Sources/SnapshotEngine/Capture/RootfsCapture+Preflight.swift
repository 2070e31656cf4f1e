// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import OCIRegistry
public import SnapshotProvider

/// Checking what a capture needs, one thing after the other, so that everything that is wrong is told at once.
extension RootfsCapture {
    /// Checks all that can be checked of one container while it runs. Nothing is frozen, and nothing is left at the
    /// target: an upload is begun there and cancelled.
    ///
    /// - Parameters:
    ///   - container: What is to be captured.
    ///   - imageIsKnown: Whether its image could be found out; else what concerns the image is left out.
    /// - Throws: `CancellationError`. Everything else is a finding.
    public func preflight(_ container: SnapshotContainer, imageIsKnown: Bool = true) async throws -> [PreflightFinding]
    {
        var findings: [PreflightFinding] = []
        /// The value of a check, noted; nil if it failed or could not be made.
        func check<Value>(
            _ check: PreflightFinding.Check,
            _ body: () async throws -> (Value, String)
        ) async throws -> Value? {
            do {
                let (value, message) = try await body()
                findings.append(PreflightFinding(check, container: container.name, .passed(message)))
                return value
            } catch let error as CancellationError {
                throw error
            } catch {
                findings.append(PreflightFinding(check, container: container.name, .failed(error)))
                return nil
            }
        }
        func skip(_ check: PreflightFinding.Check, _ reason: String) {
            findings.append(PreflightFinding(check, container: container.name, .skipped(reason)))
        }

        let found = try await check(.container) {
            let (record, task) = try await find(container)
            return ((record, task), "container \(record.id) runs, process \(task.pid)")
        }
        guard let (record, task) = found else { return findings }
        _ = try await check(.filesystem) {
            let difference = try await difference(of: record, task: task)
            let how = difference.overlay == nil ? " by containerd's diff service, which keeps less" : ""
            return (difference, "the difference to its image can be read\(how)")
        }
        var parent: ParentImage?
        if imageIsKnown {
            parent = try await check(.baseImage) {
                let parent = try await parentImage(of: container, record: record)
                let stack = LayerStack(parent.image)
                try checkDepth(compaction.expectedDepth(stack), of: container.name, image: container.image)
                let told = "it is \(container.image), with \(stack.layers.count) layers"
                guard compaction.merges(stack) else { return (parent, told) }
                return (parent, told + ", of which \(stack.snapshotLayers.count) are to be merged first")
            }
        }
        let target = try await check(.target) {
            let (repository, tag) = try openTarget(of: container)
            try await CaptureError.wrapping(container, .targetUnavailable) {
                try await repository.startUpload().cancel()
            }
            return (repository, "\(repository.name) takes uploads; the snapshot will be \(tag)")
        }
        if let parent, let target {
            _ = try await check(.layers) {
                let counts = try await CaptureError.wrapping(container, .targetUnavailable) {
                    try await parent.checkPlaceable(at: target)
                }
                return (counts, "\(counts.present) layers are there, \(counts.missing) can be brought")
            }
        } else {
            skip(.layers, "the image or the target is not known")
        }
        if let finding = await space(for: container, record: record) { findings.append(finding) }
        return findings
    }

    /// What is known about the room that the snapshot needs: nobody can ask a registry for its own.
    private func space(for container: SnapshotContainer, record: ContainerRecord) async -> PreflightFinding? {
        guard
            let usage = try? await containerd.snapshotUsage(record.snapshotKey, snapshotter: record.snapshotter)
        else { return nil }
        let told = "\(usage.size) bytes have been changed"
        guard case .layout(let folder, _, _)? = try? ImageLocation(parsing: container.target),
            let free = Self.freeBytes(at: folder)
        else { return PreflightFinding(.space, container: container.name, .passed(told)) }
        let outcome: PreflightFinding.Outcome =
            free > usage.size
            ? .passed("\(told), and \(free) are free at the target")
            : .warning("\(told), and only \(free) are free at the target: that may be too little even compressed")
        return PreflightFinding(.space, container: container.name, outcome)
    }

    /// What is free where a folder is or will be; nil if that cannot be told.
    private static func freeBytes(at folder: String) -> Int64? {
        var path = folder[...]
        var status = statvfs()
        while statvfs(path.isEmpty ? "/" : String(path), &status) != 0 {
            guard errno == ENOENT, let slash = path.lastIndex(of: "/") else { return nil }
            path = path[..<slash]
        }
        return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }
}
