// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Which objects are listed or watched.
public struct ListOptions: Sendable, Hashable {
    /// How exactly a resourceVersion is meant.
    public enum VersionMatch: String, Sendable, Hashable {
        /// This state and no other.
        case exact = "Exact"
        /// This state or a later one.
        case notOlderThan = "NotOlderThan"
    }

    /// Which labels they have.
    public var labels: LabelQuery?
    /// Which fields they have, of those that the server can select by.
    public var fields: FieldQuery?
    /// The state that is asked for; `nil` for the newest, `0` for any that the server has at hand.
    public var resourceVersion: String?
    /// How exactly that is meant.
    public var versionMatch: VersionMatch?
    /// How many objects there are in one answer at most.
    public var limit: Int?
    /// Where the page before ended.
    public var continueToken: String?

    /// Creates options.
    public init(
        labels: LabelQuery? = nil,
        fields: FieldQuery? = nil,
        resourceVersion: String? = nil,
        versionMatch: VersionMatch? = nil,
        limit: Int? = nil,
        continueToken: String? = nil
    ) {
        self.labels = labels
        self.fields = fields
        self.resourceVersion = resourceVersion
        self.versionMatch = versionMatch
        self.limit = limit
        self.continueToken = continueToken
    }

    func apply(to request: inout KubeRequest) {
        if let labels, !labels.requirements.isEmpty { request.add("labelSelector", labels) }
        if let fields, !fields.requirements.isEmpty { request.add("fieldSelector", fields) }
        request.add("limit", limit)
        request.add("continue", continueToken)
        // The token knows its state; the server refuses to be told another one.
        guard continueToken == nil else { return }
        request.add("resourceVersion", resourceVersion)
        request.add("resourceVersionMatch", versionMatch?.rawValue)
    }
}
