// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore

/// What the server knows about the request that it is answering.
struct APIRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection that it came on.
    let channel: any Channel
    /// The framework's logger.
    let baseLogger: Logger
    /// The client's own name for this request, or one that was made for it.
    var requestID = ""
    /// Whose request it is, once that is known.
    var tenant: Tenant?
    /// Whose request of the E2B API it is, once that is known.
    var principal: E2BPrincipal?
    /// Where it leads, once that is known.
    var route: Route?
    /// The parts of its path that may be anything, as they came.
    var pathValues: [Substring] = []

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        baseLogger = source.logger
    }

    /// A logger that names the request by its own identifier instead of the framework's counter.
    var logger: Logger {
        var logger = baseLogger
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request_id"] = .string(requestID)
        return logger
    }

    /// Where the sandboxes of the tenant live.
    ///
    /// - Throws: ``APIError`` (401) if nobody has said whose request it is, as on the open paths.
    var runtime: any SandboxRuntime {
        get throws(APIError) {
            guard let tenant else { throw .missingKey }
            return tenant.runtime
        }
    }

    /// The JSON of the tenant's sandboxes.
    ///
    /// - Throws: As ``runtime``.
    var encodedSandboxes: EncodedSandboxes {
        get throws(APIError) {
            guard let tenant else { throw .missingKey }
            return tenant.encodedSandboxes
        }
    }

    /// A part of the path, decoded.
    func pathParameter(_ name: String) -> String {
        guard let place = route?.parameters.firstIndex(of: name), place < pathValues.count else { return "" }
        let value = pathValues[place]
        return value.utf8.contains(UInt8(ascii: "%")) ? QueryParameters.percentDecoded(value.utf8) : String(value)
    }
}
