// Tells a C++ value as type-tagged JSON, and speaks the call protocol of sandbox/box/frames.py on descriptor 3.
// Placed after the program, so that its headers are parsed only if the program did not include them: types are told
// apart by what they offer, not by name.
#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <algorithm>
#include <vector>
#include <cxxabi.h>
#include <unistd.h>

namespace vh_tests {

#ifdef VH_PLAIN
constexpr bool plain = true;  // expected values are JSON: a set is told as an array
#else
constexpr bool plain = false;
#endif

template <class T> using bare = std::remove_cv_t<std::remove_reference_t<T>>;
template <class T, class = void> struct has_mapped : std::false_type {};
template <class T> struct has_mapped<T, std::void_t<typename T::mapped_type>> : std::true_type {};
template <class T, class = void> struct has_key : std::false_type {};
template <class T> struct has_key<T, std::void_t<typename T::key_type>> : std::true_type {};
template <class T, class = void> struct has_hasher : std::false_type {};
template <class T> struct has_hasher<T, std::void_t<typename T::hasher>> : std::true_type {};
template <class T, class = void> struct is_range : std::false_type {};
template <class T>
struct is_range<T, std::void_t<decltype(std::begin(std::declval<const T &>())), decltype(std::end(std::declval<const T &>()))>>
    : std::true_type {};
template <class T, class = void> struct is_maybe : std::false_type {};
template <class T>
struct is_maybe<T, std::void_t<decltype(std::declval<const T &>().has_value()), decltype(*std::declval<const T &>())>>
    : std::true_type {};
template <class T, class = void> struct is_tuple : std::false_type {};
template <class T> struct is_tuple<T, std::void_t<decltype(std::tuple_size<T>::value)>> : std::true_type {};
template <class T, class = void> struct is_complex : std::false_type {};
template <class T>
struct is_complex<T, std::void_t<decltype(std::declval<const T &>().real()), decltype(std::declval<const T &>().imag())>>
    : std::true_type {};
template <class T, class = void> struct is_many : std::false_type {};  // a multiset or multimap: insert gives no bool
template <class T>
struct is_many<T, std::enable_if_t<std::is_same_v<decltype(std::declval<T &>().insert(std::declval<typename T::value_type>())),
                                                  typename T::iterator>>> : std::true_type {};
template <class T>
constexpr bool is_wide = std::is_same_v<T, __int128> || std::is_same_v<T, unsigned __int128>;
template <class T> constexpr bool is_text = std::is_convertible_v<const T &, std::string_view>;

inline std::string type_name(const std::type_info &type) {
    int status = 0;
    char *text = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    std::string name = status == 0 && text ? text : type.name();
    std::free(text);
    return name;
}

inline std::size_t utf8_length(std::string_view text, std::size_t at) {  // of the character at `at`; 0 = not UTF-8
    auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    unsigned first = byte(at), second = byte(at + 1);
    auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(at + 1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        bool fits = first == 0xE0 ? second >= 0xA0 : first == 0xED ? second < 0xA0 : true;
        return fits && follows(at + 1) && follows(at + 2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        bool fits = first == 0xF0 ? second >= 0x90 : first == 0xF4 ? second < 0x90 : true;
        return fits && follows(at + 1) && follows(at + 2) && follows(at + 3) ? 4 : 0;
    }
    return 0;
}

inline void tell_base64(std::string &out, std::string_view text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out += "{\"b\":\"";
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned bits = 0;
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j)
            out += i + j <= text.size() ? digits[bits >> (18 - 6 * j) & 63u] : '=';
    }
    out += "\"}";
}

inline void tell_text(std::string &out, std::string_view text) {
    for (std::size_t at = 0, length = 0; at < text.size(); at += length)
        if ((length = utf8_length(text, at)) == 0) return tell_base64(out, text);
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
            out += escaped;
        } else {
            out += c;
        }
    }
    out += '"';
}

inline void tell_integer(std::string &out, bool negative, unsigned __int128 size) {
    bool wide = size > (static_cast<unsigned __int128>(1) << 63) - (negative ? 0 : 1);
    unsigned base = wide ? 16 : 10;
    char digits[48];
    std::size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[static_cast<unsigned>(size % base)];
        size /= base;
    } while (size);
    if (negative) digits[--at] = '-';
    if (wide) out += "{\"i\":\"";
    out.append(digits + at, sizeof digits - at);
    if (wide) out += "\"}";
}

inline void tell_float(std::string &out, double value) {
    if (std::isnan(value)) {
        out += "{\"f\":\"nan\"}";
    } else if (std::isinf(value)) {
        out += value > 0 ? "{\"f\":\"inf\"}" : "{\"f\":\"-inf\"}";
    } else {
        char digits[40];
        std::snprintf(digits, sizeof digits, "%.17g", value);
        std::string text = digits;
        if (text.find_first_of(".e") == std::string::npos) text += ".0";
        out += text;
    }
}

template <class T> void tell(std::string &out, const T &value);

template <class T, std::size_t... I> void tell_tuple(std::string &out, const T &value, std::index_sequence<I...>) {
    out += "{\"t\":[";
    ((out += I ? "," : "", tell<bare<std::tuple_element_t<I, T>>>(out, std::get<I>(value))), ...);
    out += "]}";
}

template <class T> void tell_items(std::string &out, const T &value) {
    bool first = true;
    for (auto it = std::begin(value); it != std::end(value); ++it, first = false) {
        if (!first) out += ',';
        if constexpr (has_mapped<T>::value && !is_many<T>::value) {
            out += '[';
            tell(out, it->first);
            out += ',';
            tell(out, it->second);
            out += ']';
        } else {
            tell<bare<typename std::iterator_traits<decltype(it)>::value_type>>(out, *it);
        }
    }
}

template <class T> void tell_sorted(std::string &out, const T &value) {  // a multiset has no order that counts
    std::vector<bare<typename T::value_type>> items(std::begin(value), std::end(value));
    std::sort(items.begin(), items.end());
    out += '[';
    tell_items(out, items);
    out += ']';
}

template <class T> void tell_range(std::string &out, const T &value) {
    constexpr bool keyed = has_key<T>::value, many = [] {
        if constexpr (has_key<T>::value) return is_many<T>::value;
        return false;
    }();
    if constexpr (keyed && has_hasher<T>::value && (many || (plain && !has_mapped<T>::value))) return tell_sorted(out, value);
    else {
        constexpr bool list = !keyed || many || (plain && !has_mapped<T>::value);
        out += list ? "[" : has_mapped<T>::value ? "{\"d\":[" : "{\"s\":[";
        tell_items(out, value);
        out += list ? "]" : "]}";
    }
}

template <class T> void tell_class(std::string &out, const T &value) {
    if constexpr (is_maybe<T>::value) {
        if (value.has_value()) tell(out, *value);
        else out += "null";
    } else if constexpr (is_range<T>::value) {
        tell_range(out, value);
    } else if constexpr (is_tuple<T>::value) {
        tell_tuple(out, value, std::make_index_sequence<std::tuple_size<T>::value>());
    } else if constexpr (is_complex<T>::value) {
        out += "{\"c\":[";
        tell(out, value.real());
        out += ',';
        tell(out, value.imag());
        out += "]}";
    } else {
        out += "{\"o\":";
        tell_text(out, type_name(typeid(T)));
        out += '}';
    }
}

template <class T> void tell(std::string &out, const T &value) {
    if constexpr (std::is_same_v<T, bool>) {
        out += value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, char>) {
        tell_text(out, std::string_view(&value, 1));
    } else if constexpr (std::is_integral_v<T> || is_wide<T>) {
        bool negative = value < T(0);
        auto size = static_cast<unsigned __int128>(value);
        tell_integer(out, negative, negative ? -size : size);
    } else if constexpr (std::is_enum_v<T>) {
        tell(out, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
        tell_float(out, static_cast<double>(value));
    } else if constexpr (std::is_null_pointer_v<T>) {
        out += "null";
    } else if constexpr (is_text<T>) {
        if constexpr (std::is_pointer_v<T>) {
            if (value == nullptr) out += "null";
            else tell_text(out, value);
        } else {
            tell_text(out, value);
        }
    } else {
        tell_class(out, value);
    }
}

inline void transfer(char *data, std::size_t size, bool reading) {
    while (size) {
        ssize_t done = reading ? ::read(3, data, size) : ::write(3, data, size);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {  // the other side has no more calls
            std::fflush(nullptr);
            ::_exit(0);
        }
        data += done;
        size -= static_cast<std::size_t>(done);
    }
}

inline void send(char tag, const std::string &text) {
    std::size_t size = text.size() + 1;
    std::string record;
    for (int shift = 24; shift >= 0; shift -= 8) record += static_cast<char>(size >> shift & 255);
    record += tag;
    record += text;
    transfer(&record[0], record.size(), false);
}

inline std::string receive() {
    unsigned char head[4];
    transfer(reinterpret_cast<char *>(head), 4, true);
    std::string text(static_cast<std::size_t>(head[0]) << 24 | head[1] << 16 | head[2] << 8 | head[3], '\0');
    transfer(&text[0], text.size(), true);
    return text;
}

template <class Run> int serve(Run run) {  // run(request, out) makes one call
    send('r', "");
    for (;;) {
        std::string request = receive(), out;
        char tag = 'v';
        try {
            run(request, out);
        } catch (const std::exception &error) {
            tag = 'e';
            out = type_name(typeid(error)) + ": " + error.what();
        } catch (...) {
            tag = 'e';
            const std::type_info *type = abi::__cxa_current_exception_type();
            out = (type ? type_name(*type) : "exception") + ": not a std::exception";
        }
        send(tag, out);
    }
}

}  // namespace vh_tests
