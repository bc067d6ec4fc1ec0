import Scheduling

extension UsageAccumulator {
    /// Adds all that another one has summed, under the same rules: two halves of a tick are read by two connections at once.
    ///
    /// - Throws: `StorageError` of kind `sumOverflow`, naming the key whose sum passes 2^63.
    func absorb(_ other: UsageAccumulator) throws {
        let users = other.users.keys.map { self.users.intern($0.bytes) }
        let models = other.models.keys.map { self.models.intern($0.bytes) }
        for (index, key) in other.keys.enumerated() {
            try add(
                other.sums[index],
                to: GroupKey(user: users[Int(key.user)], model: models[Int(key.model)], day: key.day))
        }
        for (key, requests) in other.histogram.all {
            histogram.add(requests, to: HistogramKey(model: models[Int(key.model)], day: key.day, bucket: key.bucket))
        }
        absorbCounts(of: other)
    }
}
