/// The declaration of one setting. Reading, the listing and the check for unknown names all go by it.
struct Setting<Value: Sendable>: SettingDeclaration {
    /// What holds when nobody sets it.
    enum Absence: Sendable {
        case use(Value)
        /// There must be a value.
        case refuse
        /// There may be none.
        case leave
    }

    let name: String
    let kind: SettingKind<Value>
    let absence: Absence
    let example: String
    let meaning: String
    let flag: String?
    let isLive: Bool

    init(
        _ name: String,
        _ kind: SettingKind<Value>,
        whenAbsent absence: Absence,
        example: String,
        flag: String? = nil,
        isLive: Bool = false,
        meaning: String
    ) {
        self.name = name
        self.kind = kind
        self.absence = absence
        self.example = example
        self.flag = flag
        self.isLive = isLive
        self.meaning = meaning
    }

    var isSecret: Bool { kind.isSecret }
    var accepts: String { kind.accepts }

    var defaultText: String? {
        guard case .use(let value) = absence else { return nil }
        return kind.text(value)
    }
}
