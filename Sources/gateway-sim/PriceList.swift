/// The operator's price list, as it stands in model_pricing.
enum PriceList {
    /// Enters the listed models of the offer. A price that is there already stays, whatever it is.
    static func enter(_ models: [Model], into connection: SQLiteConnection) throws {
        let insert = try SQLiteStatement(
            connection,
            """
            INSERT OR IGNORE INTO model_pricing (id, model, provider, prompt_cost_per_1k, completion_cost_per_1k)
            VALUES (?, ?, ?, ?, ?)
            """
        )
        for model in models where model.isListed {
            insert.bind("price-\(model.name)", at: 1)
            insert.bind(model.name, at: 2)
            insert.bind(model.provider, at: 3)
            insert.bind(model.promptCost, at: 4)
            insert.bind(model.completionCost, at: 5)
            guard try insert.run() == .done else {
                throw connection.failure("enter a price for", model.name)
            }
        }
    }
}
