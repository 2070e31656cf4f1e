// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How something is written.
public struct WriteOptions: Sendable, Hashable {
    /// What happens to fields that the server does not know. Servers before 1.25 do not look at this.
    public enum FieldValidation: String, Sendable, Hashable {
        /// They are dropped silently.
        case ignore = "Ignore"
        /// They are dropped, and the client is warned.
        case warn = "Warn"
        /// The write is refused.
        case strict = "Strict"
    }

    /// Who writes, as it is noted beside the fields.
    public var fieldManager: String?
    /// Whether it is only tried out.
    public var isDryRun: Bool
    /// What happens to fields that the server does not know.
    public var fieldValidation: FieldValidation?

    /// Creates options.
    public init(fieldManager: String? = nil, isDryRun: Bool = false, fieldValidation: FieldValidation? = nil) {
        self.fieldManager = fieldManager
        self.isDryRun = isDryRun
        self.fieldValidation = fieldValidation
    }

    func apply(to request: inout KubeRequest) {
        request.add("fieldManager", fieldManager)
        request.add("dryRun", isDryRun ? "All" : nil)
        request.add("fieldValidation", fieldValidation?.rawValue)
    }
}
