// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What containers of a pod can mount. What kind it is are its other fields.
public struct Volume: JSONFields {
    /// Its name in the pod.
    public var name = ""
    /// An empty folder that goes with the pod.
    public var emptyDir: EmptyDirVolumeSource?
    /// A folder or file of the node.
    public var hostPath: HostPathVolumeSource?
    /// A secret's values as files.
    public var secret: SecretVolumeSource?
    /// A config map's values as files.
    public var configMap: ConfigMapVolumeSource?
    /// A volume that outlives the pod.
    public var persistentVolumeClaim: PersistentVolumeClaimVolumeSource?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// A folder or file of the node.
    ///
    /// - Parameters:
    ///   - name: Its name in the pod.
    ///   - path: Where it is on the node.
    ///   - type: What it must be, such as `Directory`, `DirectoryOrCreate` or `Socket`.
    public init(_ name: String, ofNode path: String, type: String) {
        self.name = name
        hostPath = .with {
            $0.path = path
            $0.type = type
        }
    }

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("emptyDir", &emptyDir)
        try fields.field("hostPath", &hostPath)
        try fields.field("secret", &secret)
        try fields.field("configMap", &configMap)
        try fields.field("persistentVolumeClaim", &persistentVolumeClaim)
    }
}

/// An empty folder that goes with the pod.
public struct EmptyDirVolumeSource: JSONFields {
    /// `Memory` for a tmpfs.
    public var medium: String?
    /// How large it may become.
    public var sizeLimit: Quantity?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("medium", &medium)
        try fields.field("sizeLimit", &sizeLimit)
    }
}

/// A folder or file of the node.
public struct HostPathVolumeSource: JSONFields {
    /// Where it is.
    public var path = ""
    /// What it must be: `Directory`, `File`, `Socket` and so on.
    public var type: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("path", &path)
        try fields.field("type", &type)
    }
}

/// A secret's values as files.
public struct SecretVolumeSource: JSONFields {
    /// The secret.
    public var secretName: String?
    /// Whether it need not be there.
    public var optional: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("secretName", &secretName)
        try fields.field("optional", &optional)
    }
}

/// A config map's values as files.
public struct ConfigMapVolumeSource: JSONFields {
    /// The config map.
    public var name: String?
    /// Whether it need not be there.
    public var optional: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("optional", &optional)
    }
}

/// A volume that outlives the pod.
public struct PersistentVolumeClaimVolumeSource: JSONFields {
    /// The claim.
    public var claimName = ""
    /// Whether the pod only reads.
    public var readOnly: Bool?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("claimName", &claimName)
        try fields.field("readOnly", &readOnly)
    }
}
