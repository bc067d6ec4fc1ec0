import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import Webhooks

extension SendFailure {
    /// What the client's errors mean. Their texts go nowhere: some repeat headers.
    init(_ error: any Error, after progress: SendProgress) {
        let failure = Self.of(error, progress)
        // Nothing was sent: a handshake that the peer broke off, or a connection of before that it had just closed.
        switch (progress.step, failure) {
        case (.connecting, .closedEarly), (.connecting, .reset): self = .connectionGone
        default: self = failure
        }
    }

    static let connectionGone = SendFailure.connectFailed("the peer closed it")
    static let otherVersion = SendFailure.connectFailed("it agreed on another version of HTTP")

    private static func of(_ error: any Error, _ progress: SendProgress) -> SendFailure {
        let status = progress.status
        return switch error {
        case is CancellationError: .cancelled
        case let error as Vetting.Refused: .addressRefused(error.refusal)
        case is Vetting.Strayed: .connectFailed("it was closed, or leads elsewhere")
        // Another client is taken then.
        case is OneVersion.Other: otherVersion
        case is CertificateName.Other: .certificateWrongName
        case is ConnectionGuard.Flooded: status == nil ? .headTooLarge : .responseMalformed
        case is ExchangeOrder.Broken: .responseMalformed
        case let error as HTTPClientError: of(error, progress)
        case let error as HTTPParserError: of(error, status)
        // A response to nothing that was asked.
        case is NIOHTTPDecoderError: .responseMalformed
        case let error as IOError: of(error, progress)
        case ChannelError.connectTimeout: .connectTimeout
        case is ChannelError: .closedEarly(status: status)
        case let error as NIOSSLExtraError: error == .failedToValidateHostname ? .certificateWrongName : .tlsFailed
        case NIOSSLError.uncleanShutdown: .closedEarly(status: status)
        // BoringSSL's own word for all but the name: expired, not yet valid, unknown issuer, wrong use.
        case NIOSSLError.handshakeFailed(let reason) where "\(reason)".contains("CERTIFICATE_VERIFY_FAILED"):
            .certificateRefused
        case is NIOSSLError, is BoringSSLError: .tlsFailed
        case is any NIOHTTP2Error: .http2Failed
        default: .other
        }
    }

    private static func of(_ error: HTTPClientError, _ progress: SendProgress) -> SendFailure {
        switch error {
        case .deadlineExceeded: progress.timeout
        // Not by us, which is told from this before: the connection was closing as the message came to it.
        case .cancelled: .closedEarly(status: progress.status)
        case .connectTimeout, .getConnectionFromPoolTimeout: .connectTimeout
        case .tlsHandshakeTimeout: .connectTimeout
        case .remoteConnectionClosed, .uncleanShutdown: .closedEarly(status: progress.status)
        // Those with a payload can't be matched but by this text, which leaves the payload out.
        case _ where error.shortDescription.hasPrefix("Invalid header field"): .requestRefused
        case _ where error.shortDescription.hasPrefix("Server offered unsupported"): .tlsFailed
        default: .other
        }
    }

    private static func of(_ error: HTTPParserError, _ status: Int?) -> SendFailure {
        switch error {
        case .headerOverflow: .headTooLarge
        case .invalidEOFState, .closedConnection: .closedEarly(status: status)
        default: .responseMalformed
        }
    }

    private static func of(_ error: IOError, _ progress: SendProgress) -> SendFailure {
        switch error.errnoCode {
        case ECONNRESET, EPIPE, ECONNABORTED: .reset(status: progress.status)
        case ETIMEDOUT: progress.timeout
        default:
            if case .connecting = progress.step {
                .connectFailed(String(cString: strerror(error.errnoCode)))
            } else {
                .closedEarly(status: progress.status)
            }
        }
    }

    /// Nothing was sent, and another address of the name may do better.
    var isOfConnecting: Bool {
        switch self {
        case .connectFailed, .connectTimeout: true
        default: false
        }
    }
}
