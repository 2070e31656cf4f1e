// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Diagnostics of a sandbox, as the API describes them. The text itself is always part of it.
struct DiagnosticContent: Encodable {
    var sandboxId: String
    var kind: String
    var scope: String
    var delivery = "inline"
    var contentType = "text/plain; charset=utf-8"
    var content: String
    /// Bytes of the content.
    var contentLength: Int
    /// Whether there is more than this server hands out at once.
    var truncated: Bool
    /// What the text lacks.
    var warnings: [String]?

    /// The logs of a sandbox.
    init(_ log: SandboxLog, of id: String, scope: DiagnosticLogsRequest.Scope) {
        sandboxId = id
        kind = "logs"
        self.scope = scope.rawValue
        let isAsked = scope != .lifecycle
        content = isAsked ? log.text : ""
        contentLength = content.utf8.count
        truncated = isAsked && log.isTruncated
        if isAsked, log.lastWrittenAt == nil {
            warnings = ["Nothing of this sandbox runs now, and logs are kept only while it does."]
        } else if scope == .lifecycle {
            warnings = ["This server keeps no log of what it does with a sandbox; its events tell that."]
        }
    }

    /// What happened to a sandbox.
    init(_ events: [SandboxEvent], of id: String, scope: DiagnosticEventsRequest.Scope) {
        sandboxId = id
        kind = "events"
        self.scope = scope.rawValue
        content = DiagnosticText.events(events)
        contentLength = content.utf8.count
        truncated = false
    }
}
