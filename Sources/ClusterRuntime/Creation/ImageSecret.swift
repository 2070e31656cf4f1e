// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import SandboxModels

import struct Foundation.Data

/// The Secret in which the credentials for one sandbox's image are.
enum ImageSecret {
    /// What that of a sandbox is called.
    static func name(_ id: String) -> String { "opensandbox-image-auth-\(id)" }

    /// The Secret of a sandbox.
    static func make(_ credentials: ImageCredentials, for image: String, _ id: String) -> Secret {
        .with {
            $0.metadata.name = name(id)
            $0.metadata.labels = [OpenSandbox.Label.sandboxID: id]
            $0.type = "kubernetes.io/dockerconfigjson"
            let login = "\(credentials.username):\(credentials.password)"
            let entry: JSONValue = [
                "username": .string(credentials.username),
                "password": .string(credentials.password),
                "auth": .string(Data(login.utf8).base64EncodedString()),
            ]
            let document: JSONValue = ["auths": .object([registry(of: image): entry])]
            $0.data = [".dockerconfigjson": Base64Bytes(document.jsonText)]
        }
    }

    /// The registry of an image, as docker's configuration names it.
    static func registry(of image: String) -> String {
        let hub = "https://index.docker.io/v1/"
        guard let slash = image.firstIndex(of: "/") else { return hub }
        let host = image[..<slash]
        let isHost = host.contains(".") || host.contains(":") || host == "localhost"
        return isHost && host != "docker.io" ? String(host) : hub
    }
}

extension ClusterRuntime {
    /// Secrets of the namespace.
    var secrets: ResourceClient<Secret> {
        client.resource(Secret.self, in: .named(configuration.namespace))
    }

    /// Keeps the credentials for a sandbox's image as long as the sandbox. Kubelets look for them when execd has been put into
    /// the pod, and not before.
    func keep(_ credentials: ImageCredentials, for image: String, of object: BatchSandbox) async throws {
        var secret = ImageSecret.make(credentials, for: image, object.sandboxID)
        secret.metadata.ownerReferences = [object.controllerReference(blockOwnerDeletion: false)]
        do {
            _ = try await secrets.create(secret)
        } catch let error as KubeError where error.isAlreadyExists {
            // That of an earlier sandbox of the same name, which goes with it.
            try await secrets.delete(secret.metadata.name)
            _ = try await secrets.create(secret)
        }
    }
}
