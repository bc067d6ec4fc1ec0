/// What a parser makes of a text.
func parse<Value>(_ text: String, _ parser: (Span<UInt8>) -> Value) -> Value {
    let bytes = Array(text.utf8)
    return parser(bytes.span)
}
