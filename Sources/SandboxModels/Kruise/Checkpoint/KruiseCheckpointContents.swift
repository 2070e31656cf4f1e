// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What of a sandbox a checkpoint is to have, and what of that can be had.
public struct KruiseCheckpointContents: Sendable, Hashable {
    /// What is captured, in alphabetical order.
    public var captured: [KruiseContent]
    /// What was wanted and nobody saves here.
    public var missing: [KruiseContent] = []
    /// Whether somebody has said what is wanted, in the checkpoint or in its sandbox.
    public var isExplicit: Bool

    /// Decides.
    ///
    /// - Parameters:
    ///   - wanted: What the checkpoint's own spec says; if nothing, what its sandbox says counts, and if that says nothing, all.
    ///   - sandbox: What the spec of its sandbox says.
    ///   - saved: What can be saved.
    /// - Throws: `KruiseCheckpointRefusal` if nothing of it can be captured.
    public init(
        of wanted: [KruiseContent],
        sandbox: [KruiseContent],
        saved: Set<KruiseContent>
    ) throws(KruiseCheckpointRefusal) {
        let dumps: Set<KruiseContent> = [.filesystem, .memory]
        var contents: Set<KruiseContent>
        if wanted.isEmpty {
            contents = dumps.intersection(sandbox.map(\.modern))
            isExplicit = !contents.isEmpty
            if contents.isEmpty { contents = dumps }
        } else {
            isExplicit = true
            // Nobody keeps an address, and nobody is refused for asking.
            contents = Set(wanted.map(\.modern)).subtracting([.ip])
            let unknown = contents.subtracting(dumps.union([.podInfo]))
            guard unknown.isEmpty else { throw .unknownContents(unknown) }
            guard !contents.isEmpty else { throw .nothingToCapture }
            // With more, it goes without saying.
            if contents != [.podInfo] { contents.remove(.podInfo) }
        }
        if contents == [.podInfo] {
            captured = [.podInfo]
            return
        }
        let possible = contents.intersection(saved)
        guard !possible.isEmpty else { throw .notSaved(contents) }
        captured = possible.inOrder
        missing = contents.subtracting(possible).inOrder
    }

    /// Whether nothing is to be frozen or stored at all.
    public var isInfoOnly: Bool { captured == [.podInfo] }

    /// The value of the label that tells it.
    public var label: String { captured.map(\.rawValue).joined(separator: "-") }
}

extension KruiseContent {
    /// The word of today for one that earlier versions of upstream wrote.
    fileprivate var modern: KruiseContent {
        switch rawValue {
        case "pod-info": .podInfo
        case "upgrade": .filesystem
        default: self
        }
    }
}

extension Set<KruiseContent> {
    fileprivate var inOrder: [KruiseContent] { sorted { $0.rawValue < $1.rawValue } }

    fileprivate var text: String { inOrder.map(\.rawValue).joined(separator: " and ") }
}

extension KruiseCheckpointRefusal {
    fileprivate static func unknownContents(_ unknown: Set<KruiseContent>) -> KruiseCheckpointRefusal {
        KruiseCheckpointRefusal(
            KruiseCheckpointCondition.Reason.invalidContents,
            "spec.persistentContents lists \(unknown.text), which there is not: name filesystem, memory or podInfo in a new Checkpoint."
        )
    }

    fileprivate static let nothingToCapture = KruiseCheckpointRefusal(
        KruiseCheckpointCondition.Reason.invalidContents,
        "spec.persistentContents lists nothing that a checkpoint keeps: name filesystem, memory or podInfo in a new Checkpoint."
    )

    fileprivate static func notSaved(_ contents: Set<KruiseContent>) -> KruiseCheckpointRefusal {
        KruiseCheckpointRefusal(
            contents == [.memory]
                ? KruiseCheckpointCondition.Reason.memoryNotSupported
                : KruiseCheckpointCondition.Reason.invalidContents,
            "spec.persistentContents asks for \(contents.text) alone, and no provider of this controller saves that. Nothing was "
                + "frozen. List filesystem in a new Checkpoint, or have the controller run with a provider that saves it."
        )
    }
}
