// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels

/// One of the `volumes` in the body of `POST /sandboxes`, with every field of a right type.
struct VolumeRequest: Equatable {
    var name: String
    var mountPath: String
    var isReadOnly: Bool
    var subPath: String?
    /// The backends that were named; there has to be one.
    var backends: [Backend]

    /// Where the files are.
    enum Backend: Equatable {
        case host(path: String)
        case pvc(SandboxVolume.NamedVolume)
        case ossfs
    }

    /// Reads a volume; nil if something is wrong with it, which is an issue then.
    init?(_ field: RequestField, _ issues: inout [ValidationIssue]) {
        guard let volume = field.object(.required, &issues) else { return nil }
        let name = volume["name"].string(.required, &issues)
        let mountPath = volume["mountPath"].string(.required, &issues)
        isReadOnly = volume["readOnly"].bool(.optional, &issues) ?? false
        subPath = volume["subPath"].string(.nullable, &issues)
        backends = []
        if let host = volume["host"].object(.nullable, &issues), let path = host["path"].string(.required, &issues) {
            backends.append(.host(path: path))
        }
        if let pvc = volume["pvc"].object(.nullable, &issues), let claim = Self.claim(pvc, &issues) {
            backends.append(.pvc(claim))
        }
        if volume["ossfs"].object(.nullable, &issues) != nil { backends.append(.ossfs) }
        guard let name, let mountPath else { return nil }
        self.name = name
        self.mountPath = mountPath
    }

    private static func claim(_ pvc: RequestObject, _ issues: inout [ValidationIssue]) -> SandboxVolume.NamedVolume? {
        let name = pvc["claimName"].string(.required, &issues)
        let createIfAbsent = pvc["createIfNotExists"].bool(.optional, &issues) ?? true
        let deleteWithSandbox = pvc["deleteOnSandboxTermination"].bool(.optional, &issues) ?? false
        let storageClass = pvc["storageClass"].string(.nullable, &issues)
        let storage = pvc["storage"].string(.nullable, &issues)
        let accessModes = pvc["accessModes"].strings(.nullable, &issues)
        return name.map {
            SandboxVolume.NamedVolume(
                name: $0,
                createIfAbsent: createIfAbsent,
                deleteWithSandbox: deleteWithSandbox,
                storageClass: storageClass,
                storage: storage,
                accessModes: accessModes
            )
        }
    }
}

extension VolumeRequest {
    /// The volumes that the runtime is asked for. Which paths of the machine may be mounted is for the runtime to say.
    ///
    /// - Throws: ``APIError`` (400, `VOLUME::…`) for the first volume that breaks a rule.
    static func admit(_ volumes: [VolumeRequest]) throws(APIError) -> [SandboxVolume] {
        var admitted: [SandboxVolume] = []
        for volume in volumes {
            guard !admitted.contains(where: { $0.name == volume.name }) else {
                throw refusal("DUPLICATE_NAME", "Two volumes have the name '\(volume.name)'.")
            }
            admitted.append(try volume.admit())
        }
        return admitted
    }

    private func admit() throws(APIError) -> SandboxVolume {
        guard Self.isLabel(name, longest: 63) else {
            throw Self.refusal(
                "INVALID_NAME",
                "The volume name '\(name)' is none: up to 63 lower-case letters, digits and '-', not at the ends."
            )
        }
        guard mountPath.hasPrefix("/") else {
            throw Self.refusal("INVALID_MOUNT_PATH", "The mount path '\(mountPath)' of '\(name)' is not absolute.")
        }
        if let subPath {
            guard !subPath.hasPrefix("/"), !subPath.utf8.contains(0), !subPath.split(separator: "/").contains("..")
            else {
                throw Self.refusal(
                    "INVALID_SUB_PATH",
                    "The sub path '\(subPath)' of '\(name)' is not relative, or has a part '..'."
                )
            }
        }
        return SandboxVolume(
            name: name,
            source: try source(),
            mountPath: mountPath,
            subPath: subPath.flatMap { $0.isEmpty ? nil : $0 },
            isReadOnly: isReadOnly
        )
    }

    private func source() throws(APIError) -> SandboxVolume.Source {
        guard let backend = backends.first, backends.count == 1 else {
            throw Self.refusal("INVALID_BACKEND", "The volume '\(name)' needs exactly one of host, pvc and ossfs.")
        }
        switch backend {
        case .host(let path):
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            guard path.hasPrefix("/"), !path.utf8.contains(0), !parts.contains(".."),
                path == "/" || !parts.contains("")
            else {
                throw Self.refusal(
                    "INVALID_HOST_PATH",
                    "The host path '\(path)' of '\(name)' is not absolute, or has a part '..' or a slash too many."
                )
            }
            return .host(path: path)
        case .pvc(let claim):
            guard Self.isLabel(claim.name, longest: 253) else {
                throw Self.refusal(
                    "INVALID_PVC_NAME",
                    "The claim name '\(claim.name)' is none: lower-case letters, digits and '-', not at the ends."
                )
            }
            return .named(claim)
        case .ossfs:
            throw Self.refusal(
                "UNSUPPORTED_BACKEND",
                "The volume '\(name)' asks for ossfs, which this server does not have; mount it on the machine and use "
                    + "host, or use pvc."
            )
        }
    }

    private static func isLabel(_ text: String, longest: Int) -> Bool {
        let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= longest else { return false }
        return letters.contains(first) && letters.contains(last)
            && text.utf8.allSatisfy { letters.contains($0) || $0 == UInt8(ascii: "-") }
    }

    private static func refusal(_ code: String, _ message: String) -> APIError {
        APIError(.badRequest, "VOLUME::\(code)", message)
    }
}
