/// Where UTF-8 may be cut without splitting a character.
enum UTF8Cut {
    /// How many of the first bytes to keep: at most `limit`, and fewer where the cut would stand inside a character.
    static func length(of bytes: ArraySlice<UInt8>, atMost limit: Int) -> Int {
        guard bytes.count > limit else { return bytes.count }
        var end = limit
        // A character takes at most 4 bytes; more continuation bytes than that are no UTF-8, and any cut is as good.
        while end > 0, limit - end < 4, bytes[bytes.startIndex + end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }
}
