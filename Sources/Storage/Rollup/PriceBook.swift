import GRDB
import Scheduling

/// Prices per model as they were over time (table model_price_book). A row's estimate depends on its own model, tokens and time alone.
struct PriceBook: Sendable, Equatable {
    struct Price: Sendable, Equatable {
        /// Nano-dollars for 1,000 tokens.
        let promptNanosPer1k: Int64
        let completionNanosPer1k: Int64

        /// Half a nano-dollar rounds up, as in the views. Nil past the dearest row that is counted.
        @inline(__always)
        func estimateNanos(input: Int64, output: Int64) -> Int64? {
            let (prompt, over1) = input.multipliedReportingOverflow(by: promptNanosPer1k)
            let (completion, over2) = output.multipliedReportingOverflow(by: completionNanosPer1k)
            let (sum, over3) = prompt.addingReportingOverflow(completion)
            guard !over1, !over2, !over3, sum < .max - 500 else { return nil }
            return (sum + 500) / 1_000
        }
    }

    struct Entry: Sendable, Equatable {
        let effectiveFrom: Instant
        /// Nil: from here on the model has no price.
        let price: Price?
    }

    /// Entries per model, oldest first.
    private(set) var entries: [Verbatim: [Entry]] = [:]

    /// From when a model's first price holds: for all time before it, too, unless closed days have usage that was counted without one.
    static let beginning = Instant(milliseconds: .min)

    static func read(_ db: Database) throws -> PriceBook {
        var book = PriceBook()
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT model, effective_from_ms, prompt_nanos_per_1k, completion_nanos_per_1k
                    FROM model_price_book
                    ORDER BY model, effective_from_ms
                    """))
        while let row = try rows.next() {
            book.append(
                model: row[0], effectiveFrom: Instant(milliseconds: row[1]), prompt: row[2], completion: row[3])
        }
        return book
    }

    mutating func append(model: String, effectiveFrom: Instant, prompt: Int64?, completion: Int64?) {
        let price = prompt.flatMap { prompt in
            completion.map { Price(promptNanosPer1k: prompt, completionNanosPer1k: $0) }
        }
        entries[Verbatim(model), default: []].append(Entry(effectiveFrom: effectiveFrom, price: price))
    }

    static func price(in entries: [Entry], at instant: Instant) -> Price? {
        entries.last { $0.effectiveFrom <= instant }?.price
    }
}

extension PriceBook {
    /// One line that the book lacks, because model_pricing says something else than its newest entry.
    struct Change: Sendable, Equatable {
        let model: String
        var effectiveFrom: Instant
        let price: Price?
        /// The model had usage without a price until now: its open days are to be derived again.
        let isFirst: Bool
    }

    /// Compares with the prices that model_pricing holds now. A model's first price holds for all time (see `Rollup.enterPrices` for the exception); a
    /// changed or withdrawn one from `now`.
    func changes(to present: [Verbatim: Price], now: Instant) -> [Change] {
        let models = Set(entries.keys).union(present.keys)
        return models.sorted().compactMap { model in
            let known = entries[model]
            guard known?.last?.price != present[model] else { return nil }
            let from = known.map { max(now, Instant(milliseconds: ($0.last?.effectiveFrom.milliseconds ?? 0) &+ 1)) }
            return Change(
                model: model.text, effectiveFrom: from ?? Self.beginning, price: present[model], isFirst: known == nil)
        }
    }

    /// The usable rows of model_pricing: active (TRUE, 1 or 'true'), in dollars, between 0 and 1,000 dollars per 1,000 tokens.
    static func readPresent(_ db: Database) throws -> [Verbatim: Price] {
        let rows = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT model,
                           CAST(ROUND(prompt_cost_per_1k * 1e9) AS INTEGER),
                           CAST(ROUND(completion_cost_per_1k * 1e9) AS INTEGER)
                    FROM model_pricing
                    WHERE typeof(model) = 'text'
                      AND lower(CAST(is_active AS TEXT)) IN ('1', 'true')
                      AND upper(COALESCE(currency, 'USD')) = 'USD'
                      AND typeof(prompt_cost_per_1k) IN ('real', 'integer') AND prompt_cost_per_1k BETWEEN 0 AND 1000
                      AND typeof(completion_cost_per_1k) IN ('real', 'integer') AND completion_cost_per_1k BETWEEN 0 AND 1000
                    """))
        var present: [Verbatim: Price] = [:]
        while let row = try rows.next() {
            present[Verbatim(row[0])] = Price(promptNanosPer1k: row[1], completionNanosPer1k: row[2])
        }
        return present
    }

    static func insert(_ changes: [Change], _ db: Database) throws {
        for change in changes {
            try db.execute(
                sql: """
                    INSERT INTO model_price_book (model, effective_from_ms, prompt_nanos_per_1k, completion_nanos_per_1k)
                    VALUES (?, ?, ?, ?)
                    """,
                arguments: [
                    change.model, change.effectiveFrom.milliseconds, change.price?.promptNanosPer1k,
                    change.price?.completionNanosPer1k,
                ])
        }
    }
}
