package import Webhooks

/// Why no whole response came. None of it holds a url, a header, or a byte of a message.
package enum SendFailure: Error, Hashable, Sendable {
    case resolveFailed(ResolveFailure)
    case resolveTimeout
    /// An address of the host, or its name, may not be delivered to. No byte of the request was sent.
    case addressRefused(AddressRefusal)
    case connectFailed(String)
    case connectTimeout
    /// The peer's certificate: of another name; or expired, or of nobody who is trusted.
    case certificateWrongName
    case certificateRefused
    case tlsFailed
    /// The deadline passed on a connection that stood.
    ///
    /// - Parameter status: of the head that had come; nil where none had.
    case timeout(status: Int?)
    /// The peer closed the connection before its response was whole.
    case closedEarly(status: Int?)
    case reset(status: Int?)
    /// A header, all headers, or the interim responses before them.
    case headTooLarge
    case responseMalformed
    case http2Failed
    /// A header that HTTP cannot carry.
    case requestRefused
    /// The task was cancelled, or the client was shut down: no outcome.
    case cancelled
    case other

    /// Stored with the attempt; never changes.
    package var name: String {
        switch self {
        case .resolveFailed: "resolve_failed"
        case .resolveTimeout: "resolve_timeout"
        case .addressRefused: "address_refused"
        case .connectFailed: "connect_failed"
        case .connectTimeout: "connect_timeout"
        case .certificateWrongName: "certificate_wrong_name"
        case .certificateRefused: "certificate_refused"
        case .tlsFailed: "tls_failed"
        case .timeout: "timeout"
        case .closedEarly: "closed_early"
        case .reset: "reset"
        case .headTooLarge: "head_too_large"
        case .responseMalformed: "response_malformed"
        case .http2Failed: "http2_failed"
        case .requestRefused: "request_refused"
        case .cancelled: "cancelled"
        case .other: "other"
        }
    }
}

extension SendFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .resolveFailed(let failure): "the name was not resolved: \(failure)"
        case .resolveTimeout: "the name was not resolved in time"
        case .addressRefused(let refusal): "\(refusal)"
        case .connectFailed(let reason): "no connection: \(reason)"
        case .connectTimeout: "no connection in time"
        case .certificateWrongName: "the certificate is for another name"
        case .certificateRefused: "the certificate is expired, or of nobody who is trusted"
        case .tlsFailed: "the TLS handshake failed"
        case .timeout(nil): "no response in time"
        case .timeout(let status?): "the response of status \(status) did not end in time"
        case .closedEarly(nil): "the connection was closed before a response came"
        case .closedEarly(let status?): "the connection was closed within the response of status \(status)"
        case .reset(nil): "the connection was reset before a response came"
        case .reset(let status?): "the connection was reset within the response of status \(status)"
        case .headTooLarge: "the response's head is too large, or has too many interim responses before it"
        case .responseMalformed: "the response is not HTTP"
        case .http2Failed: "the peer broke off, or broke the rules of HTTP/2"
        case .requestRefused: "the request has a header that HTTP cannot carry"
        case .cancelled: "it was cancelled"
        case .other: "the client failed for a reason that it has no name for"
        }
    }
}
