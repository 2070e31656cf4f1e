// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOSSL
import Synchronization

import class Foundation.FileManager

/// The certificates of particular registries, in a folder like Docker's `/etc/docker/certs.d`: in the folder
/// `<host>[:<port>]` there, `*.crt` are authorities to trust for that registry, and `*.cert` with a `*.key` of the same
/// name is what we show to it.
///
/// They are read when a registry is first spoken to, and again after a while, so that renewed ones are seen.
final class CertificateFolder: Sendable {
    private struct Entry {
        let configuration: TLSConfiguration?
        let expiry: ContinuousClock.Instant
    }

    private let path: String
    /// What holds for all registries.
    private let base: TLSConfiguration
    private let lifetime: Duration
    private let entries = Mutex<[String: Entry]>([:])

    init(path: String, base: TLSConfiguration, lifetime: Duration = .seconds(60)) {
        self.path = path
        self.base = base
        self.lifetime = lifetime
    }

    /// How to speak TLS with a server; `nil` if there is nothing particular for it.
    ///
    /// - Throws: `RegistryError` that names the file which cannot be used.
    func configuration(for address: WebAddress) async throws -> TLSConfiguration? {
        let authority = address.authority
        // The name comes from an answer at times: it must not lead out of the folder.
        guard address.scheme == "https", !authority.hasPrefix("."), !authority.contains("/") else { return nil }
        if let entry = entries.withLock({ $0[authority] }), entry.expiry > .now { return entry.configuration }
        var names = [authority]
        if address.port == 443 { names.append("\(address.authority):443") }
        if authority == "registry-1.docker.io" { names.append(ImageReference.dockerHub) }
        let folders = names.map { "\(path)/\($0)" }
        let configuration = try await BlockingIO.run { [base] in
            for folder in folders {
                guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder) else { continue }
                return try Self.configuration(files.sorted(), in: folder, base: base)
            }
            return nil
        }
        entries.withLock { entries in
            // Redirects may lead to any number of servers; those are asked for again if they come back.
            if entries.count >= 1000 {
                entries = entries.filter { $0.value.expiry > .now && $0.value.configuration != nil }
            }
            entries[authority] = Entry(configuration: configuration, expiry: .now + lifetime)
        }
        return configuration
    }

    private static func configuration(
        _ files: [String],
        in folder: String,
        base: TLSConfiguration
    ) throws(RegistryError) -> TLSConfiguration? {
        var configuration = base
        for file in files where file.hasSuffix(".crt") {
            let authorities = try CertificateFile(path: "\(folder)/\(file)").certificates()
            configuration.additionalTrustRoots.append(.certificates(authorities))
        }
        for file in files where file.hasSuffix(".cert") {
            let stem = "\(folder)/\(file.dropLast(".cert".count))"
            let chain = try CertificateFile(path: "\(folder)/\(file)").certificates()
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try CertificateFile(path: "\(stem).key").privateKey())
        }
        for file in files where file.hasSuffix(".key") && !files.contains("\(file.dropLast(".key".count)).cert") {
            throw CertificateFile(path: "\(folder)/\(file)").fault("it has no .cert of the same name beside it")
        }
        return configuration
    }
}
