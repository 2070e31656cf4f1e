// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// Diagnostics in words, for people and for models that read like people.
enum DiagnosticText {
    /// A line for each event, oldest first: time, kind, reason, message.
    static func events(_ events: some Sequence<SandboxEvent>) -> String {
        let lines = events.map { event in
            let kind = padded(event.kind.rawValue, 8)
            let reason = padded(event.reason, 20)
            return "[\(event.at.rfc3339)] \(kind) \(reason) \(singleLine(event.message))\n"
        }
        return lines.isEmpty ? "(no events)\n" : lines.joined()
    }

    /// What a sandbox is and how it is. Of its environment only the names are told: the values may be secrets.
    static func inspection(_ sandbox: Sandbox) -> String {
        let spec = sandbox.spec
        var text = """
            Sandbox:        \(sandbox.id)
            State:          \(sandbox.status.state.rawValue)
            Reason:         \(sandbox.status.reason ?? "-")
            Message:        \(singleLine(sandbox.status.message ?? "-"))
            Since:          \(sandbox.status.lastTransitionAt.rfc3339)
            Created:        \(sandbox.createdAt.rfc3339)
            Expires:        \(sandbox.expiresAt?.rfc3339 ?? "never")
            Image:          \(spec.snapshotID.map { "snapshot \($0)" } ?? spec.image)
            Entrypoint:     \(singleLine(spec.entrypoint.joined(separator: " ")))

            """
        if let progress = sandbox.status.progress {
            text +=
                "Progress:       \(progress.stage), \(progress.bytesRead) bytes read, "
                + "\(progress.bytesWritten) bytes written\n"
        }
        text += section("Resources", spec.resourceLimits.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
        text += section("Volumes", spec.volumes.map(told))
        text += section("Metadata", spec.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        text += section("Environment", spec.environment.keys.sorted().map { "\($0)=***" })
        text += section("Resumes from", (sandbox.artifact?.parts ?? []).map { "\($0.reference) (\($0.digest))" })
        return text
    }

    /// Everything at once.
    static func summary(_ sandbox: Sandbox, events: some Sequence<SandboxEvent>, log: String) -> String {
        let lines = log.isEmpty ? "(no logs)\n" : log.hasSuffix("\n") ? log : log + "\n"
        return """
            === Inspect ===
            \(inspection(sandbox))
            === Events ===
            \(Self.events(events))
            === Logs ===
            \(lines)
            """
    }

    private static func section(_ title: String, _ lines: [String]) -> String {
        guard !lines.isEmpty else { return "" }
        return "\n\(title):\n" + lines.map { "  \(singleLine($0))\n" }.joined()
    }

    private static func told(_ volume: SandboxVolume) -> String {
        let source =
            switch volume.source {
            case .host(let path): path
            case .named(let claim): "volume \(claim.name)"
            }
        let subPath = volume.subPath.map { ", sub path \($0)" } ?? ""
        return "\(volume.name): \(source)\(subPath) at \(volume.mountPath)\(volume.isReadOnly ? ", read-only" : "")"
    }

    /// What somebody else wrote must not look like a line of ours.
    private static func singleLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    private static func padded(_ word: String, _ width: Int) -> String {
        word + String(repeating: " ", count: max(0, width - word.count))
    }
}
