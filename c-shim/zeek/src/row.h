// A record that is filled field by field, in the order of scripts/types.zeek.

#pragma once

#include <foreshadow.h>
#include <netinet/in.h>
#include <zeek/IPAddr.h>
#include <zeek/Val.h>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

namespace plugin::Foreshadow_Sensor {

inline double AsSeconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

inline zeek::IPAddr Address(const foreshadow_address& address) {
    in6_addr bytes;
    static_assert(sizeof bytes == sizeof address.bytes);
    memcpy(&bytes, address.bytes, sizeof bytes);
    return zeek::IPAddr(bytes);
}

class Row {
public:
    explicit Row(const zeek::RecordTypePtr& type) : record(zeek::make_intrusive<zeek::RecordVal>(type)) {}

    // An optional field that stays without a value, or several.
    void Unset(int fields = 1) { next += fields; }

    void Time(int64_t nanoseconds) { record->AssignTime(next++, AsSeconds(nanoseconds)); }
    void Interval(uint64_t nanoseconds) { record->AssignInterval(next++, static_cast<double>(nanoseconds) / 1e9); }
    void Count(uint64_t number) { record->Assign(next++, number); }
    void Bool(bool value) { record->Assign(next++, value); }
    void String(const char* text) { record->Assign(next++, zeek::make_intrusive<zeek::StringVal>(text)); }
    void String(const std::string& text) { record->Assign(next++, zeek::make_intrusive<zeek::StringVal>(text)); }
    void Addr(const zeek::IPAddr& address) { record->Assign(next++, zeek::make_intrusive<zeek::AddrVal>(address)); }
    void Val(zeek::ValPtr value) { record->Assign(next++, std::move(value)); }

    // A log can't say infinite or not a number, and neither is ever meant.
    void Double(double number) { record->Assign(next++, std::isfinite(number) ? number : 0.0); }

    // A share as "one in so many".
    void OneIn(double share) { Double(share > 0 ? 1 / share : 0); }

    void CountIf(bool is_known, uint64_t number) { is_known ? Count(number) : Unset(); }
    void DoubleIf(bool is_known, double number) { is_known ? Double(number) : Unset(); }
    void StringIf(bool is_known, const std::string& text) { is_known ? String(text) : Unset(); }

    // How many fields were filled or skipped.
    int Filled() const { return next; }
    zeek::RecordValPtr Take() { return std::move(record); }

private:
    zeek::RecordValPtr record;
    int next = 0;
};

} // namespace plugin::Foreshadow_Sensor
