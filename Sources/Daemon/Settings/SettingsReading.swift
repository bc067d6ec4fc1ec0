import Configuration
import Scheduling

/// One pass over the settings: it reads declared ones, keeps the listing, and collects every problem rather than stop
/// at the first.
struct SettingsReading {
    private(set) var problems: [String] = []
    private(set) var listing = Settings.Listing()

    /// Where systemd has put the service's credentials; nil outside of a unit that has some.
    let credentialsFolder: String?

    private let names: [String]
    private let layers: [(source: SettingSource, reader: ConfigReader)]
    private var sources: [String: SettingSource] = [:]

    /// - Parameters:
    ///   - file: the variables of the environment file; they fill in what the process's own don't say.
    ///   - commandLine: values given as options, by the setting's name; they win.
    init(environment: [String: String], file: [String: String] = [:], commandLine: [String: String]) {
        credentialsFolder = environment["CREDENTIALS_DIRECTORY"]
        names = Set(environment.keys).union(file.keys).sorted()
        // A reader a layer, not one reader over all providers, as that would not tell which of them answered.
        layers = [
            (.commandLine, commandLine), (.environment, environment), (.environmentFile, file),
        ].map { source, values in
            (source, ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: values)))
        }
    }

    /// The value of a setting. Nil when it is absent and has no default, and when it was refused: `problems` then says
    /// so.
    mutating func value<Value>(of setting: Setting<Value>) -> Value? {
        let problemsBefore = problems.count
        let found = setting.isSecret ? secretText(of: setting) : text(named: setting.name)
        guard let (text, source) = found else {
            guard problems.count == problemsBefore else {
                // A secret that was refused is one that somebody has set.
                list(setting, "(set)", .environment)
                return nil
            }
            return absent(setting)
        }
        sources[setting.name] = source
        return parse(text, of: setting, from: source)
    }

    /// The first layer's word for a name, whatever declares it.
    func text(named name: String) -> (text: String, source: SettingSource)? {
        for (source, reader) in layers {
            if let text = reader.string(forKey: ConfigKey([name]), isSecret: true) { return (text, source) }
        }
        return nil
    }

    /// Where the value of a setting that was read comes from.
    func source(of setting: some SettingDeclaration) -> SettingSource {
        sources[setting.name] ?? .default
    }

    /// Every variable that looks like one of ours must be one: a typing error would otherwise be a default, silently.
    ///
    /// The value of an unknown name is never shown: it may be a secret whose name is misspelt.
    mutating func refuseUnknownNames(beside declared: [any SettingDeclaration]) {
        let known = declared.flatMap { $0.isSecret ? [$0.name, $0.name + "_FILE"] : [$0.name] }
        for name in names where name.uppercased().hasPrefix("TALLYD_") && !known.contains(name) {
            let words = known.map { $0.dropFirst("TALLYD_".count) }
            let meant = Spelling.nearest(to: String(name.dropFirst("TALLYD_".count)), among: words.map(String.init))
            refuse("\(name) is no setting; " + (meant.map { "did you mean TALLYD_\($0)?" } ?? "remove it"))
        }
    }

    mutating func refuse(_ sentence: String) {
        problems.append(Self.printable(sentence))
    }

    private mutating func parse<Value>(_ text: String, of setting: Setting<Value>, from source: SettingSource) -> Value?
    {
        let label = source == .commandLine ? setting.flag ?? setting.name : setting.name
        guard !text.allSatisfy(\.isWhitespace) else {
            list(setting, "", source)
            let remedy = setting.defaultText.map { "remove it to have \($0), or write" } ?? "write"
            refuse("\(label) is empty; \(remedy) \(label)=\(setting.example)")
            return nil
        }
        do {
            let value = try setting.kind.parse(text)
            list(setting, setting.kind.text(value), source)
            return value
        } catch {
            list(setting, setting.isSecret ? "(set)" : text, source)
            refuse(setting.isSecret ? "\(label) \(error.sentence)" : "\(label)=\(Self.shown(text)) \(error.sentence)")
            return nil
        }
    }

    private mutating func absent<Value>(_ setting: Setting<Value>) -> Value? {
        list(setting, setting.defaultText ?? "(not set)", .default)
        switch setting.absence {
        case .use(let value): return value
        case .leave: return nil
        case .refuse:
            let option = setting.flag.map { ", or pass \($0)" } ?? ""
            let variable = setting.isSecret ? "\(setting.name)_FILE" : setting.name
            refuse("\(setting.name) is not set; write \(variable)=\(setting.example)\(option)")
            return nil
        }
    }

    private mutating func list(_ setting: some SettingDeclaration, _ value: String, _ source: SettingSource) {
        listing.entries.append(
            Settings.Listing.Entry(
                name: setting.name,
                value: Self.printable(value),
                source: source,
                meaning: setting.meaning,
                accepts: setting.accepts
            )
        )
    }

    /// A value within a sentence: short, and in quotes where its ends would not be seen.
    private static func shown(_ text: String) -> String {
        let short = text.count > 80 ? text.prefix(80) + "…" : text[...]
        return short.contains(where: \.isWhitespace) ? "\"\(short)\"" : String(short)
    }

    /// Without control characters, which would forge lines in a log or colours on a terminal.
    private static func printable(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }.joined()
    }
}
