// Makes C++ arguments of type-tagged JSON, each of the type that the called function asks for.
#include <map>

namespace vh_tests {

struct Json {
    enum Kind { null, boolean, integer, number, text, list, pairs } kind = null;
    bool truth = false;
    std::string word;  // of an integer, number or text
    std::vector<Json> items;
};

struct BadArgument : std::exception {
    std::string message;
    explicit BadArgument(std::string text) : message(std::move(text)) {}
    const char *what() const noexcept override { return message.c_str(); }
};

class Reader {  // the text is ours, and well-formed
    const char *at_;

    bool take(char c) { return *at_ == c ? ++at_, true : false; }
    void space() {
        while (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r' || *at_ == ',' || *at_ == ':') ++at_;
    }
    unsigned hex4() {
        unsigned code = 0;
        for (int i = 0; i < 4; ++i, ++at_)
            code = code << 4 | static_cast<unsigned>(*at_ <= '9' ? *at_ - '0' : (*at_ | 32) - 'a' + 10);
        return code;
    }
    void code_point(std::string &out) {
        unsigned code = hex4();
        if (code >= 0xD800 && code < 0xDC00 && at_[0] == '\\' && at_[1] == 'u') {
            at_ += 2;
            code = 0x10000 + ((code - 0xD800) << 10) + (hex4() - 0xDC00);
        }
        if (code < 0x80) out += static_cast<char>(code);
        else {
            int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
            out += static_cast<char>((0xFF00u >> (more + 1) & 0xFFu) | code >> 6 * more);
            while (more--) out += static_cast<char>(0x80u | (code >> 6 * more & 63u));
        }
    }
    std::string string() {
        std::string out;
        for (++at_; *at_ != '"'; ) {
            char c = *at_++;
            if (c != '\\') { out += c; continue; }
            switch (c = *at_++) {
                case 'n': out += '\n'; break;
                case 't': out += '\t'; break;
                case 'r': out += '\r'; break;
                case 'b': out += '\b'; break;
                case 'f': out += '\f'; break;
                case 'u': code_point(out); break;
                default: out += c;
            }
        }
        ++at_;
        return out;
    }
    static std::string bytes(const std::string &base64) {
        std::string out;
        unsigned bits = 0, count = 0;
        for (char c : base64) {
            unsigned digit = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26
                : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : c == '/' ? 63 : 64;
            if (digit > 63) break;
            bits = bits << 6 | digit;
            if (++count % 4 != 1) out += static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)) & 255u);
        }
        return out;
    }
    Json tagged() {  // the opening brace was read
        space();
        if (take('}')) {
            Json empty;
            empty.kind = Json::pairs;
            return empty;
        }
        std::string tag = string();
        space();
        Json inner = value();
        space();
        take('}');
        if (tag == "d") inner.kind = Json::pairs;
        else if (tag == "f" || tag == "D") inner.kind = Json::number;
        else if (tag == "b" || tag == "ba") inner.word = bytes(inner.word);
        else if (tag != "t" && tag != "s" && tag != "fs" && tag != "q")
            throw BadArgument("C++ has no value for the tag " + tag);
        return inner;
    }

public:
    explicit Reader(const std::string &text) : at_(text.c_str()) {}

    Json value() {
        space();
        Json told;
        if (*at_ == '"') {
            told.kind = Json::text;
            told.word = string();
        } else if (take('[')) {
            told.kind = Json::list;
            for (space(); !take(']'); space()) told.items.push_back(value());
        } else if (take('{')) {
            told = tagged();
        } else if (*at_ == 't' || *at_ == 'f') {
            told.kind = Json::boolean;
            told.truth = *at_ == 't';
            at_ += told.truth ? 4 : 5;
        } else if (*at_ == 'n') {
            at_ += 4;
        } else {
            told.kind = Json::integer;
            for (; (*at_ >= '0' && *at_ <= '9') || *at_ == '-' || *at_ == '+' || *at_ == '.' || *at_ == 'e' || *at_ == 'E'; ++at_) {
                if (*at_ == '.' || *at_ == 'e' || *at_ == 'E') told.kind = Json::number;
                told.word += *at_;
            }
        }
        return told;
    }
};

template <class T> [[noreturn]] void refuse() { throw BadArgument("the argument does not fit a " + type_name(typeid(T))); }

template <class T> void read(const Json &json, T &value);

template <class T> void read_integer(const Json &json, T &value) {
    if (json.kind != Json::integer) refuse<T>();
    bool negative = json.word[0] == '-';
    unsigned __int128 size = 0, most = static_cast<unsigned __int128>(static_cast<T>(~T(0)) < T(0)
        ? (T(1) << (sizeof(T) * 8 - 2)) - 1 + (T(1) << (sizeof(T) * 8 - 2)) : static_cast<T>(~T(0)));
    for (std::size_t i = negative; i < json.word.size(); ++i) size = size * 10 + static_cast<unsigned>(json.word[i] - '0');
    bool is_signed = static_cast<T>(~T(0)) < T(0);
    if (size > most + (negative && is_signed ? 1 : 0) || (negative && !is_signed && size)) refuse<T>();
    value = static_cast<T>(negative ? -size : size);
}

template <class T, std::size_t... I> void read_tuple(const Json &json, T &value, std::index_sequence<I...>) {
    if (json.kind != Json::list || json.items.size() != sizeof...(I)) refuse<T>();
    (read(json.items[I], std::get<I>(value)), ...);
}

template <class T, class = void> struct can_insert : std::false_type {};
template <class T>
struct can_insert<T, std::void_t<decltype(std::declval<T &>().insert(std::declval<T &>().end(), std::declval<typename T::value_type>()))>>
    : std::true_type {};

template <class T> void read_range(const Json &json, T &value) {
    if constexpr (has_mapped<T>::value) {
        if (json.kind != Json::pairs) refuse<T>();
        for (const Json &pair : json.items) {
            typename T::key_type key{};
            typename T::mapped_type mapped{};
            read(pair.items[0], key);
            read(pair.items[1], mapped);
            value.emplace(std::move(key), std::move(mapped));
        }
    } else if constexpr (can_insert<T>::value) {
        if (json.kind != Json::list) refuse<T>();
        for (const Json &item : json.items) {
            typename T::value_type one{};
            read(item, one);
            value.insert(value.end(), std::move(one));
        }
    } else {
        if (json.kind != Json::list || json.items.size() != std::size(value)) refuse<T>();
        std::size_t at = 0;
        for (auto &item : value) read(json.items[at++], item);
    }
}

template <class T> void read_pointer(const Json &json, T *&value) {
    if (json.kind == Json::null) {
        value = nullptr;
    } else if constexpr (std::is_same_v<std::remove_const_t<T>, char>) {
        if (json.kind != Json::text) refuse<T *>();
        value = (new std::string(json.word))->data();
    } else if constexpr (std::is_default_constructible_v<T> && !std::is_const_v<T>) {
        if (json.kind != Json::list) refuse<T *>();
        value = new T[json.items.size() + 1]();
        for (std::size_t i = 0; i < json.items.size(); ++i) read(json.items[i], value[i]);
    } else {
        refuse<T *>();
    }
}

template <class T> void read_float(const Json &json, T &value) {
    if (json.kind != Json::integer && json.kind != Json::number) refuse<T>();
    value = static_cast<T>(std::strtold(json.word.c_str(), nullptr));
}

template <class T> void read_class(const Json &json, T &value) {
    if constexpr (is_maybe<T>::value) {
        if (json.kind == Json::null) value.reset();
        else read(json, value.emplace());
    } else if constexpr (is_range<T>::value) {
        read_range(json, value);
    } else if constexpr (is_tuple<T>::value) {
        read_tuple(json, value, std::make_index_sequence<std::tuple_size<T>::value>());
    } else {
        refuse<T>();
    }
}

template <class T> void read(const Json &json, T &value) {
    if constexpr (std::is_same_v<T, bool>) {
        if (json.kind != Json::boolean) refuse<T>();
        value = json.truth;
    } else if constexpr (std::is_same_v<T, char>) {
        if (json.kind != Json::text || json.word.size() != 1) return read_integer(json, value);
        value = json.word[0];
    } else if constexpr (std::is_integral_v<T> || is_wide<T>) {
        read_integer(json, value);
    } else if constexpr (std::is_floating_point_v<T>) {
        read_float(json, value);
    } else if constexpr (std::is_pointer_v<T>) {
        read_pointer(json, value);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
        if (json.kind != Json::text) refuse<T>();
        value = *new std::string(json.word);
    } else {
        read_class(json, value);
    }
}

struct Argument {  // becomes whatever the parameter asks for; what it becomes lives as long as the process
    const Json *json;
    template <class T, class = std::enable_if_t<!std::is_same_v<bare<T>, Argument>>> operator T &() const {
        static_assert(std::is_default_constructible_v<bare<T>>, "no value of the parameter's type can be made from JSON");
        auto *value = new bare<T>();
        read(*json, *value);
        return *value;
    }
};

template <class Function> void tell_result(std::string &out, Function function) {
    if constexpr (std::is_void_v<decltype(function())>) {
        function();
        out += "null";
    } else {
        decltype(auto) value = function();
        tell<bare<decltype(value)>>(out, value);
    }
}

}  // namespace vh_tests
