// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// A small HTTP server for those who look after the controller.
struct HTTPEndpoint: ServiceLifecycle.Service {
    let name: String
    let address: ListenAddress
    let tls: TLSConfiguration?
    let responder: RouterResponder<BasicRequestContext>
    let logger: Logger

    func run() async throws {
        let base = HTTPServerBuilder.http1(configuration: .init(idleTimeout: .seconds(120)))
        let server = if let tls { try HTTPServerBuilder.tls(base, tlsConfiguration: tls) } else { base }
        // What it says of itself is said below.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        do {
            try await Application(
                responder: responder,
                server: server,
                configuration: ApplicationConfiguration(
                    address: .hostname(address.host ?? ListenAddress.anyHost, port: address.port)
                ),
                onServerRunning: { channel in
                    let place = channel.localAddress.map { "\($0)" } ?? "\(address)"
                    logger.info(
                        "listening",
                        metadata: ["for": "\(name)", "address": "\(place)", "tls": "\(tls != nil)"]
                    )
                },
                logger: quiet
            ).run()
        } catch let error as IOError {
            throw EndpointError(name: name, address: address, cause: error)
        }
    }
}

/// An address that cannot be listened on.
struct EndpointError: Error, CustomStringConvertible {
    let name: String
    let address: ListenAddress
    let cause: any Error

    var description: String { "cannot listen for \(name) on \(address): \(cause)" }
}
