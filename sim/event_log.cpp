#include <fstream>
#include <sim/event_log.hpp>
#include <sim/fault_plan.hpp>
#include <stdexcept>

namespace takt::sim {

u64 EventLog::hash() const
{
    u64 sum = 0;
    for (u64 hash : hashes_) sum = (sum ^ hash) * 0x94d049bb133111ebull + (sum >> 31);
    return sum;
}

namespace {

std::string name_of(const std::vector<std::string>& names, u32 subject)
{
    return subject < names.size() && !names[subject].empty() ? names[subject] : "thread " + std::to_string(subject);
}

std::string microseconds_of(i64 time_ns)
{
    std::string fraction = std::to_string(time_ns % 1000);
    return std::to_string(time_ns / 1000) + "." + std::string(3 - fraction.size(), '0') + fraction;
}

}  // namespace

// The JSON trace event format, which Perfetto reads: a process of one track per CPU; what ran is a slice, all else an
// instant.
void EventLog::write_trace(const std::string& file, const std::vector<std::string>& names) const
{
    static constexpr const char* labels[] = {"switch to ",    "wake ",    "interrupt ",
                                             "hand over to ", "call by ", "fault "};
    std::ofstream out(file);
    out << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
        << R"({"ph":"M","name":"process_name","pid":1,"args":{"name":"simulated machine"}})";
    for (usize cpu = 0; cpu < hashes_.size(); cpu++)
        out << ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":1,\"tid\":" << cpu << ",\"args\":{\"name\":\"CPU "
            << cpu << "\"}}";
    std::vector<bool> open(hashes_.size());
    for (const Traced& event : trace_) {
        const std::string where =
            ",\"pid\":1,\"tid\":" + std::to_string(event.processor) + ",\"ts\":" + microseconds_of(event.time_ns);
        if (event.kind == EventKind::switch_to) {
            if (open[event.processor]) out << ",\n{\"ph\":\"E\"" << where << "}";
            open[event.processor] = event.subject != 0;
            if (event.subject != 0)
                out << ",\n{\"ph\":\"B\",\"name\":\"" << name_of(names, event.subject) << "\"" << where
                    << ",\"args\":{\"level\":" << event.detail << "}}";
            continue;
        }
        std::string subject;
        if (event.kind == EventKind::interrupt)
            subject = std::to_string(event.subject);
        else if (event.kind == EventKind::fault)
            subject = FaultPlan::name(static_cast<FaultPoint>(event.subject));
        else
            subject = name_of(names, event.subject);
        out << ",\n{\"ph\":\"i\",\"s\":\"t\",\"name\":\"" << labels[static_cast<usize>(event.kind)] << subject << "\""
            << where << "}";
    }
    out << "\n]}\n";
    if (!out.flush()) throw std::runtime_error("can't write " + file);
}

}  // namespace takt::sim
