// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What a sandbox's own agent, such as E2B's envd, is told when its pod is ready: variables and the token that it asks for. It is what
/// the agent's `POST /init` takes.
public struct KruiseRuntimeRequest: Sendable, Hashable {
    /// The body.
    public let body: JSONValue
    /// The agent's port.
    public let port: Int

    /// The runtime whose sandboxes have such an agent, in `spec.runtimes`.
    public static let runtime = "agent-runtime"
    /// The port of an agent that says nothing else.
    public static let usualPort = 49_983
}

/// What has come of telling a sandbox's agent, in an annotation of the sandbox.
public struct KruiseRuntimeInitialization: JSONFields {
    /// The pod whose agent it is of: the next one has to be told anew.
    public var podUID = ""
    /// Why it could not be told so far; nil if it was.
    public var failure: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// The annotation that it is in.
    public static let annotation = "stasis.dev/runtime-initialized"

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("podUID", &podUID)
        try fields.field("failure", &failure)
    }
}

/// How far it is that a sandbox's agent is told.
public enum KruiseRuntimeStage: Sendable, Hashable {
    /// That is still to come.
    case pending
    /// It was told.
    case told
    /// It could not be told so far.
    case failed(String)
}

extension KruiseSandbox {
    /// What its agent is told; nil if it has none, or is to be told nothing.
    ///
    /// - Parameter runtimes: What is put beside its containers: its own, or its template's.
    public func runtimeRequest(_ runtimes: [KruiseRuntimeReference]) -> KruiseRuntimeRequest? {
        let notes = metadata.annotations
        guard runtimes.contains(where: { $0.name == KruiseRuntimeRequest.runtime }),
            notes[Kruise.Annotation.skipsRuntime] != "true"
        else { return nil }
        var body: [String: JSONValue] = [:]
        // What is no JSON tells nothing.
        if let given = notes[Kruise.Annotation.initRuntimeRequest].flatMap({ try? JSONValue(json: $0) }) {
            for key in ["envVars", "accessToken"] { body[key] = given[key] }
        }
        if body["accessToken"] == nil, let token = notes[Kruise.Annotation.runtimeAccessToken] {
            body["accessToken"] = .string(token)
        }
        guard !body.isEmpty else { return nil }
        return KruiseRuntimeRequest(body: .object(body), port: runtimePort)
    }

    /// How far it is that the agent in a pod is told; nil if it is told nothing.
    ///
    /// - Parameter podUID: The pod's; nil if it has none that is ready.
    public func runtimeStage(_ runtimes: [KruiseRuntimeReference], podUID: String?) -> KruiseRuntimeStage? {
        guard runtimeRequest(runtimes) != nil else { return nil }
        let told = metadata.annotations[KruiseRuntimeInitialization.annotation]
            .flatMap { try? KruiseRuntimeInitialization(json: $0) }
        guard let told, let podUID, told.podUID == podUID else { return .pending }
        return told.failure.map { .failed($0) } ?? .told
    }

    /// The port that its owner says, who may not say another host: whoever edits sandboxes is not to choose where the controller sends
    /// requests.
    private var runtimePort: Int {
        guard let url = metadata.annotations[Kruise.Annotation.runtimeURL],
            let digits = url.split(separator: ":").last?.prefix(while: \.isNumber),
            let port = Int(digits), (1...65_535).contains(port)
        else { return KruiseRuntimeRequest.usualPort }
        return port
    }
}
