/// A failure in words for the person at the terminal: what failed, on what, why, and what to do next.
struct GatewayError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
