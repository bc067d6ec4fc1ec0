/// Who asks what of which model: an endless supply of requests with the skew of a real gateway.
///
/// A few users and models make up most of the traffic (Zipf), each user has a favourite model, tokens and latencies are
/// log-normal, and about three requests in a hundred fail.
struct Traffic {
    private var random: SplitMix64
    private let users: [String]
    private let models: [Model]
    private let userChoice: WeightedChoice
    private let modelChoice: WeightedChoice
    private let favourites: [Int]
    private let requestPrefix: String
    private var requests: UInt64 = 0

    /// `requestPrefix` keeps the request ids of several runs on one database apart.
    init(users: Int, models: Int, seed: UInt64, requestPrefix: String) {
        random = SplitMix64(seed: seed)
        self.users = (1...users).map { "user-" + Self.padded(UInt64($0), radix: 10, digits: 5) }
        self.models = Model.offer(models)
        userChoice = .zipf(count: users, exponent: 1.05)
        modelChoice = .zipf(count: models, exponent: 0.9)
        self.requestPrefix = requestPrefix
        var favourites: [Int] = []
        for _ in 0..<users {
            favourites.append(modelChoice.draw(&random))
        }
        self.favourites = favourites
    }

    /// The next request, logged at this moment. `lateShare` of them (0 to 1) happened up to a day earlier, as when a retry
    /// queue is flushed hours later.
    mutating func next(at arrival: WallTime, lateShare: Double, isLive: Bool) -> UsageRow {
        let user = userChoice.draw(&random)
        let model = models[random.happens(0.5) ? favourites[user] : modelChoice.draw(&random)]
        let happened =
            random.happens(lateShare)
            ? WallTime(milliseconds: arrival.milliseconds - Int64(random.below(86_400_000))) : arrival
        requests += 1
        var row = UsageRow(
            userID: users[user],
            requestID: requestPrefix + Self.padded(requests, radix: 16, digits: 8),
            model: model.name,
            inputTokens: tokens(median: 420, spread: 1.1),
            outputTokens: tokens(median: 210, spread: 0.9),
            totalTokens: 0,
            cost: 0,
            latency: min(Int64(random.logNormal(median: model.latency, spread: 0.55)), 600_000),
            status: "success",
            errorMessage: nil,
            createdAt: isLive ? .anyLive(happened, &random) : .anyReadable(happened, &random),
            updatedAt: arrival.sqlite
        )
        if random.happens(0.03) {
            fail(&row)
        } else if random.happens(model.isListed ? 0.7 : 0.1) {
            row.cost = cost(of: row, model)
        }
        if random.happens(0.05) {
            row.totalTokens = row.inputTokens + row.outputTokens
        }
        return row
    }

    /// Corrects a row as an accounting run does: the cost, or the status, or the tokens.
    mutating func nextCorrection() -> Correction {
        Correction(
            cost: random.happens(0.5) ? Double(random.below(50_000)) / 1_000_000 : nil,
            status: random.happens(0.3) ? (random.happens(0.7) ? "success" : "error") : nil,
            outputTokens: random.happens(0.5) ? tokens(median: 210, spread: 0.9) : nil
        )
    }

    /// True for this many of a hundred requests.
    mutating func happens(percent: Double) -> Bool {
        random.happens(percent / 100)
    }

    /// Evenly from 0 up to, but not including, the bound.
    mutating func below(_ bound: Int) -> Int {
        random.below(bound)
    }

    private mutating func tokens(median: Double, spread: Double) -> Int64 {
        max(1, min(Int64(random.logNormal(median: median, spread: spread)), 128_000))
    }

    private mutating func fail(_ row: inout UsageRow) {
        row.outputTokens = 0
        switch random.below(5) {
        case ..<3:
            row.status = "error"
            row.errorMessage = "the model's host answered 502"
        case 3:
            row.status = "timeout"
            row.errorMessage = "no answer within 60 s"
            row.latency = 60_000 + Int64(random.below(250))
        default:
            row.status = "rate_limited"
            row.errorMessage = "over 60 requests a minute"
            row.inputTokens = 0
            row.latency = Int64(1 + random.below(12))
        }
    }

    /// Leading zeros keep the ids in order as text too, which spares the index of request ids its random writes.
    private static func padded(_ number: UInt64, radix: Int, digits: Int) -> String {
        let text = String(number, radix: radix)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private func cost(of row: UsageRow, _ model: Model) -> Double {
        (Double(row.inputTokens) * model.promptCost + Double(row.outputTokens) * model.completionCost) / 1_000
    }
}
