/// How far a message has come: what a deadline that passes is told as.
struct SendProgress {
    enum Step {
        case resolving, connecting, waiting
        case reading(status: Int)
    }

    var step = Step.resolving
    /// The last that was connected to, or tried.
    var endpoint: PinnedEndpoint?

    var status: Int? {
        if case .reading(let status) = step { status } else { nil }
    }

    var timeout: SendFailure {
        switch step {
        case .resolving: .resolveTimeout
        case .connecting: .connectTimeout
        case .waiting: .timeout(status: nil)
        case .reading(let status): .timeout(status: status)
        }
    }
}
