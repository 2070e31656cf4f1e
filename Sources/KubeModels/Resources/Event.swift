// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Something that happened to an object, for people (events.k8s.io/v1).
public struct Event: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(
        group: "events.k8s.io",
        version: "v1",
        kind: "Event",
        plural: "events"
    )

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// When it first happened.
    public var eventTime: MicroTime?
    /// How often it has happened since, if it has.
    public var series: EventSeries?
    /// Who tells: `example.com/controller`.
    public var reportingController: String?
    /// Which of those.
    public var reportingInstance: String?
    /// What was done, in one CamelCase word.
    public var action: String?
    /// Why, in one CamelCase word.
    public var reason: String?
    /// What it is about.
    public var regarding: ObjectReference?
    /// What else it is about.
    public var related: ObjectReference?
    /// What happened, at most 1024 bytes.
    public var note: String?
    /// `Normal` or `Warning`.
    public var type: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("eventTime", &eventTime)
        try fields.field("series", &series)
        try fields.field("reportingController", &reportingController)
        try fields.field("reportingInstance", &reportingInstance)
        try fields.field("action", &action)
        try fields.field("reason", &reason)
        try fields.field("regarding", &regarding)
        try fields.field("related", &related)
        try fields.field("note", &note)
        try fields.field("type", &type)
    }
}

/// How often something has happened.
public struct EventSeries: JSONFields {
    /// So often.
    public var count = 0
    /// When it last happened.
    public var lastObservedTime: MicroTime?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("count", &count)
        try fields.field("lastObservedTime", &lastObservedTime)
    }
}

/// The same object as an ``Event`` in its older form, which is the one that can be selected by what it is about
/// (core/v1).
public struct CoreEvent: KubeResource {
    /// Its kind, and where it is served.
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "Event", plural: "events")

    /// Name, labels, owners and so on.
    public var metadata = ObjectMeta()
    /// What it is about.
    public var involvedObject = ObjectReference()
    /// Why, in one CamelCase word.
    public var reason: String?
    /// What happened.
    public var message: String?
    /// `Normal` or `Warning`.
    public var type: String?
    /// What was done, in one CamelCase word.
    public var action: String?
    /// Who tells.
    public var source: EventSource?
    /// When it first happened.
    public var firstTimestamp: Timestamp?
    /// When it last happened.
    public var lastTimestamp: Timestamp?
    /// How often it has happened.
    public var count: Int?
    /// When it first happened, for those that were written in the newer form.
    public var eventTime: MicroTime?
    /// How often it has happened since, for those that were written in the newer form.
    public var series: EventSeries?
    /// Who tells, for those that were written in the newer form.
    public var reportingController: String?
    /// Which of those.
    public var reportingInstance: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("metadata", &metadata)
        try fields.field("involvedObject", &involvedObject)
        try fields.field("reason", &reason)
        try fields.field("message", &message)
        try fields.field("type", &type)
        try fields.field("action", &action)
        try fields.field("source", &source)
        try fields.field("firstTimestamp", &firstTimestamp)
        try fields.field("lastTimestamp", &lastTimestamp)
        try fields.field("count", &count)
        try fields.field("eventTime", &eventTime)
        try fields.field("series", &series)
        try fields.field("reportingComponent", &reportingController)
        try fields.field("reportingInstance", &reportingInstance)
    }
}

/// Who tells of an event.
public struct EventSource: JSONFields {
    /// The program.
    public var component: String?
    /// The node that it runs on.
    public var host: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("component", &component)
        try fields.field("host", &host)
    }
}
