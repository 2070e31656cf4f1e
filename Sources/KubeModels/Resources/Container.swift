// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A container of a pod.
public struct Container: JSONFields {
    /// Its name, unique in the pod.
    public var name = ""
    /// Its image.
    public var image: String?
    /// `Always`, `IfNotPresent` or `Never`.
    public var imagePullPolicy: String?
    /// What it runs instead of the image's entrypoint.
    public var command: [String] = []
    /// The arguments, instead of the image's.
    public var args: [String] = []
    /// Where it begins, instead of the image's directory.
    public var workingDir: String?
    /// Environment variables.
    public var env: [EnvVar] = []
    /// Ports that it listens on.
    public var ports: [ContainerPort] = []
    /// What it needs and what it may have.
    public var resources: ResourceRequirements?
    /// Which volumes it sees, and where.
    public var volumeMounts: [VolumeMount] = []
    /// How it is found out that it must be started again.
    public var livenessProbe: Probe?
    /// How it is found out that it can serve.
    public var readinessProbe: Probe?
    /// How it is found out that it has begun; until then the other probes wait.
    public var startupProbe: Probe?
    /// Its user and rights.
    public var securityContext: SecurityContext?
    /// The file in which it leaves a message when it ends.
    public var terminationMessagePath: String?
    /// `File` (the default) or `FallbackToLogsOnError`.
    public var terminationMessagePolicy: String?
    /// Whether it has a standard input.
    public var stdin: Bool?
    /// Whether it has a terminal.
    public var tty: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("image", &image)
        try fields.field("imagePullPolicy", &imagePullPolicy)
        try fields.field("command", &command)
        try fields.field("args", &args)
        try fields.field("workingDir", &workingDir)
        try fields.field("env", &env)
        try fields.field("ports", &ports)
        try fields.field("resources", &resources)
        try fields.field("volumeMounts", &volumeMounts)
        try fields.field("livenessProbe", &livenessProbe)
        try fields.field("readinessProbe", &readinessProbe)
        try fields.field("startupProbe", &startupProbe)
        try fields.field("securityContext", &securityContext)
        try fields.field("terminationMessagePath", &terminationMessagePath)
        try fields.field("terminationMessagePolicy", &terminationMessagePolicy)
        try fields.field("stdin", &stdin)
        try fields.field("tty", &tty)
    }
}

/// An environment variable.
public struct EnvVar: JSONFields {
    /// Its name.
    public var name = ""
    /// Its value, if that is given here.
    public var value: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// A variable with a value.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("value", &value)
    }
}

/// A port that a container listens on.
public struct ContainerPort: JSONFields {
    /// Its name.
    public var name: String?
    /// Its number.
    public var containerPort = 0
    /// The node's port that leads to it.
    public var hostPort: Int?
    /// `TCP` (the default), `UDP` or `SCTP`.
    public var `protocol`: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("containerPort", &containerPort)
        try fields.field("hostPort", &hostPort)
        try fields.field("protocol", &`protocol`)
    }
}

/// What something needs and what it may have: `cpu`, `memory`, `storage` and others.
public struct ResourceRequirements: JSONFields {
    /// What it may have at most.
    public var limits: [String: Quantity] = [:]
    /// What it is promised.
    public var requests: [String: Quantity] = [:]
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("limits", &limits)
        try fields.field("requests", &requests)
    }
}

/// A volume in a container.
public struct VolumeMount: JSONFields {
    /// The volume.
    public var name = ""
    /// Where the container sees it.
    public var mountPath = ""
    /// The part of the volume that it sees.
    public var subPath: String?
    /// Whether it only reads.
    public var readOnly: Bool?
    /// `None` (the default), `HostToContainer` or `Bidirectional`.
    public var mountPropagation: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// A volume of the pod at a path of the container.
    ///
    /// - Parameters:
    ///   - name: The volume's name.
    ///   - path: Where the container sees it.
    ///   - part: The part of the volume that it sees; all of it if nil.
    ///   - isReadOnly: Whether it only reads.
    public init(_ name: String, at path: String, part: String? = nil, isReadOnly: Bool = false) {
        self.name = name
        mountPath = path
        subPath = part
        readOnly = isReadOnly ? true : nil
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("mountPath", &mountPath)
        try fields.field("subPath", &subPath)
        try fields.field("readOnly", &readOnly)
        try fields.field("mountPropagation", &mountPropagation)
    }
}

/// A question that a kubelet asks a container again and again. What it asks are its other fields.
public struct Probe: JSONFields {
    /// How long it waits before the first time.
    public var initialDelaySeconds: Int?
    /// How often it asks; every 10 seconds by default.
    public var periodSeconds: Int?
    /// How long it waits for an answer; 1 second by default.
    public var timeoutSeconds: Int?
    /// After how many good answers all is well; 1 by default.
    public var successThreshold: Int?
    /// After how many bad answers it is not; 3 by default.
    public var failureThreshold: Int?
    /// A command that is run.
    public var exec: RawJSON?
    /// An HTTP request that is sent.
    public var httpGet: RawJSON?
    /// A port that is connected to.
    public var tcpSocket: RawJSON?
    /// A gRPC health check.
    public var grpc: RawJSON?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("initialDelaySeconds", &initialDelaySeconds)
        try fields.field("periodSeconds", &periodSeconds)
        try fields.field("timeoutSeconds", &timeoutSeconds)
        try fields.field("successThreshold", &successThreshold)
        try fields.field("failureThreshold", &failureThreshold)
        try fields.field("exec", &exec)
        try fields.field("httpGet", &httpGet)
        try fields.field("tcpSocket", &tcpSocket)
        try fields.field("grpc", &grpc)
    }
}

/// User and rights of a container.
public struct SecurityContext: JSONFields {
    /// Whether it may do everything.
    public var privileged: Bool?
    /// Whether its processes may gain rights.
    public var allowPrivilegeEscalation: Bool?
    /// Whether it cannot write to its root filesystem.
    public var readOnlyRootFilesystem: Bool?
    /// The user of its processes.
    public var runAsUser: Int?
    /// Their first group.
    public var runAsGroup: Int?
    /// Whether root is refused.
    public var runAsNonRoot: Bool?
    /// What it may do besides or less.
    public var capabilities: Capabilities?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Root with some rights and no others, which cannot be widened.
    ///
    /// - Parameter capabilities: Linux capabilities without `CAP_`, such as `KILL`.
    public init(rootWith capabilities: [String]) {
        runAsUser = 0
        allowPrivilegeEscalation = false
        self.capabilities = .with {
            $0.drop = ["ALL"]
            $0.add = capabilities
        }
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("privileged", &privileged)
        try fields.field("allowPrivilegeEscalation", &allowPrivilegeEscalation)
        try fields.field("readOnlyRootFilesystem", &readOnlyRootFilesystem)
        try fields.field("runAsUser", &runAsUser)
        try fields.field("runAsGroup", &runAsGroup)
        try fields.field("runAsNonRoot", &runAsNonRoot)
        try fields.field("capabilities", &capabilities)
    }
}

/// Linux capabilities, without `CAP_`.
public struct Capabilities: JSONFields {
    /// Those that it gets.
    public var add: [String] = []
    /// Those that it does not get.
    public var drop: [String] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("add", &add)
        try fields.field("drop", &drop)
    }
}
