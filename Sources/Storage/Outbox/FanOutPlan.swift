/// What fanning out goes by.
package struct FanOutPlan: Sendable {
    /// Users whose endpoints are told everybody's events, and tallyd's own.
    package var operators: [String]
    /// Whether a url may be plain http.
    package var allowsHTTP: Bool
    /// How many deliveries may be claimed at once; those beyond it are queued.
    package var room: Int
    /// How many more an endpoint may have claimed; `ordinaryRoom` for one that is not among them.
    package var endpointRoom: [String: Int]
    package var ordinaryRoom: Int

    /// The largest payload, in bytes: a mebibyte, as large as any of the signature's published vectors.
    package static let longestPayload = 1_048_576

    package init(
        operators: [String] = [], allowsHTTP: Bool = false, room: Int = .max, endpointRoom: [String: Int] = [:],
        ordinaryRoom: Int = .max
    ) {
        self.operators = operators
        self.allowsHTTP = allowsHTTP
        self.room = room
        self.endpointRoom = endpointRoom
        self.ordinaryRoom = ordinaryRoom
    }

    /// Whether one more may be claimed for it.
    func hasRoom(for endpoint: String) -> Bool {
        room > 0 && endpointRoom[endpoint] ?? ordinaryRoom > 0
    }

    mutating func take(for endpoint: String) {
        room -= 1
        endpointRoom[endpoint] = (endpointRoom[endpoint] ?? ordinaryRoom) - 1
    }
}

/// What came of fanning out.
package struct FanOut: Sendable {
    package var events = 0
    package var claimed: [ClaimedDelivery] = []
    /// Endpoints for which some were queued and not claimed.
    package var queued: Set<String> = []
    /// Of those that were dead letters at once, how many for which reason.
    package var dead: [String: Int] = [:]
    /// Whether every event there is has been dealt with.
    package var isComplete = true

    package init() {}
}
