/// A model that the gateway offers, with its price in dollars per 1,000 tokens.
struct Model {
    let name: String
    let provider: String
    let promptCost: Double
    let completionCost: Double
    /// Whether model_pricing knows it. Of an unlisted model hardly any caller knows the price either.
    let isListed: Bool
    /// Median latency in milliseconds.
    let latency: Double

    /// The first `count` of the offer, most used first. From the sixth model on, the last one has no price in model_pricing;
    /// from the twelfth on, the last two.
    static func offer(_ count: Int) -> [Model] {
        let unlisted = count >= 12 ? 2 : count >= 6 ? 1 : 0
        return (0..<count).map { index in
            let isListed = index < count - unlisted
            if isListed, index < wellKnown.count {
                return wellKnown[index]
            }
            return Model(
                name: isListed ? "in-house-\(index)" : "preview-\(index)",
                provider: "in-house",
                promptCost: 0.000_3 * Double(index % 7 + 1),
                completionCost: 0.001_1 * Double(index % 7 + 1),
                isListed: isListed,
                latency: 900
            )
        }
    }

    private static let wellKnown: [Model] = [
        listed("gpt-4o-mini", "openai", 0.000_15, 0.000_6, 620),
        listed("gpt-4o", "openai", 0.002_5, 0.01, 1_150),
        listed("claude-3-5-sonnet", "anthropic", 0.003, 0.015, 1_420),
        listed("llama-3.3-70b-instruct", "meta", 0.000_59, 0.000_79, 780),
        listed("gemini-1.5-flash", "google", 0.000_075, 0.000_3, 510),
        listed("claude-3-5-haiku", "anthropic", 0.000_8, 0.004, 700),
        listed("mistral-large", "mistral", 0.002, 0.006, 1_080),
        listed("deepseek-chat", "deepseek", 0.000_27, 0.001_1, 1_650),
        listed("qwen-2.5-72b-instruct", "alibaba", 0.000_4, 0.001_2, 940),
        listed("o1-mini", "openai", 0.001_1, 0.004_4, 4_800),
        listed("gemini-1.5-pro", "google", 0.001_25, 0.005, 1_700),
        listed("command-r-plus", "cohere", 0.002_5, 0.01, 1_300),
    ]

    private static func listed(
        _ name: String, _ provider: String, _ promptCost: Double, _ completionCost: Double, _ latency: Double
    ) -> Model {
        Model(
            name: name, provider: provider, promptCost: promptCost, completionCost: completionCost, isListed: true,
            latency: latency)
    }
}
