#include <algorithm>
#include <sim/fiber.hpp>
#include <sim/machine.hpp>
#include <sys/mman.h>

namespace takt::sim {
namespace {

thread_local Machine* current_machine = nullptr;

constexpr u64 memory_alignment = 4ull << 20;  // of physical address 0, so that blocks are aligned in both worlds

}  // namespace

// Not inline: a fibre may go on on another host thread, where a remembered address of the variable would be wrong.
[[gnu::noinline]] Machine* Machine::current() { return current_machine; }

Processor* Machine::running()
{
    Machine* machine = current();
    return machine ? machine->running_ : nullptr;
}

Machine::Machine(u32 processors, u64 memory_bytes) : lines_(line_count), memory_bytes_(memory_bytes)
{
    if (processors == 0 || processors > processor_count_max) throw std::invalid_argument("1 to 128 processors");
    for (u32 number = 0; number < processors; number++) {
        processors_.push_back(std::make_unique<Processor>());
        processors_.back()->number = number;
    }
    mapping_bytes_ = memory_bytes + memory_alignment;
    mapping_ =
        mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::bad_alloc();
    u64 base = (reinterpret_cast<u64>(mapping_) + memory_alignment - 1) & ~(memory_alignment - 1);
    memory_ = reinterpret_cast<unsigned char*>(base);
    current_machine = this;
}

Machine::~Machine()
{
    munmap(mapping_, mapping_bytes_);
    if (current_machine == this) current_machine = nullptr;
}

i64 Processor::next_interrupt_ns() const
{
    i64 arrival = pending.empty() ? never_ns : pending.front().arrival_ns;
    return std::min(arrival, timer_deadline_ns);
}

// --- Order.

Processor* Machine::earliest_processor() const
{
    Processor* earliest = processors_.front().get();
    for (const auto& processor : processors_)
        if (processor->key_ns < earliest->key_ns) earliest = processor.get();
    return earliest;
}

i64 Machine::earliest_ns() const
{
    i64 event = events_.empty() ? never_ns : events_.front().time_ns;
    return std::min(event, earliest_processor()->key_ns);
}

void Machine::recompute_key(Processor& processor)
{
    if (!processor.waiting) {
        processor.key_ns = processor.time_ns;
        return;
    }
    i64 key = processor.wait_until_ns;
    if (processor.interrupts_enabled) key = std::min(key, processor.next_interrupt_ns());
    processor.key_ns = std::max(key, processor.time_ns);
}

void Machine::recompute_limit()
{
    if (!running_) return;
    i64 limit = end_ns_ == never_ns ? never_ns : end_ns_ + 1;
    if (!events_.empty()) limit = std::min(limit, events_.front().time_ns);
    for (const auto& other : processors_) {
        if (other.get() == running_ || other->key_ns == never_ns) continue;
        limit = std::min(limit, other->number < running_->number ? other->key_ns : other->key_ns + 1);
    }
    if (running_->interrupts_enabled) limit = std::min(limit, running_->next_interrupt_ns());
    limit_ns_ = limit;
}

// Events happen before what processors do at the same instant.
bool Machine::run_due_event(i64 before_ns)
{
    if (events_.empty() || events_.front().time_ns > before_ns || events_.front().time_ns > end_ns_) return false;
    std::function<void()> action = std::move(events_.front().action);
    now_ns_ = std::max(now_ns_, events_.front().time_ns);
    events_.erase(events_.begin());
    Processor* self = running_;
    running_ = nullptr;
    action();
    running_ = self;
    return true;
}

// The running processor stops here; returns when it is its turn again.
void Machine::leave_to_next()
{
    while (run_due_event(earliest_processor()->key_ns)) {
    }
    Processor* self = running_;
    Processor* next = earliest_processor();
    if (next->key_ns > end_ns_ || next->key_ns == never_ns) next = nullptr;
    if (next != self) {
        running_ = next;
        limit_ns_ = 0;  // it looks around first
        takt_sim_switch(&self->stack, next ? next->stack : host_stack_);
    }
    self->time_ns = std::max(self->time_ns, self->key_ns);
}

void Machine::reorder()
{
    for (;;) {
        Processor& self = *running_;
        recompute_key(self);
        bool event_due = !events_.empty() && events_.front().time_ns <= self.time_ns;
        if (event_due || earliest_processor() != &self || self.time_ns > end_ns_) {
            leave_to_next();
            continue;
        }
        if (!self.interrupts_enabled || self.next_interrupt_ns() > self.time_ns) break;
        take_interrupt(self);
    }
    recompute_limit();
}

void Machine::spend(i64 ns)
{
    if (!running_) return;
    running_->time_ns += ns;
    if (running_->time_ns >= limit_ns_) reorder();
}

// --- Waiting.

i64 Machine::wait(i64 ns)
{
    Processor& self = *running_;
    i64 start = self.time_ns;
    self.waiting = true;
    self.wait_until_ns = ns == never_ns ? never_ns : start + ns;
    recompute_key(self);
    leave_to_next();
    self.waiting = false;
    self.wait_until_ns = never_ns;
    if (self.spin_word) {
        self.spin_word = nullptr;
        spinners_--;
    }
    i64 passed = self.time_ns - start;
    reorder();
    return passed;
}

void Machine::spin_on(const void* word)
{
    running_->spin_word = word;
    spinners_++;
    wait(never_ns);
}

void Machine::wake_spinners(const void* word)
{
    i64 seen_ns = (running_ ? running_->time_ns : now_ns_) + cost.line_transfer;
    for (const auto& processor : processors_) {
        if (processor->spin_word != word) continue;
        processor->spin_word = nullptr;
        spinners_--;
        processor->wait_until_ns = std::min(processor->wait_until_ns, seen_ns);
        recompute_key(*processor);
    }
    recompute_limit();
}

// --- Interrupts.

void Machine::take_interrupt(Processor& processor)
{
    Interrupt interrupt;
    i64 arrival = processor.pending.empty() ? never_ns : processor.pending.front().arrival_ns;
    if (processor.timer_deadline_ns <= arrival) {
        interrupt = {processor.timer_deadline_ns, InterruptKind::timer, 0};
        processor.timer_deadline_ns = never_ns;
    } else {
        interrupt = processor.pending.front();
        processor.pending.erase(processor.pending.begin());
        // The controller keeps one bit for each vector: what has come twice is taken once.
        std::erase_if(processor.pending, [&](const Interrupt& other) {
            return other.kind == interrupt.kind && other.number == interrupt.number &&
                   other.arrival_ns <= processor.time_ns;
        });
    }
    processor.interrupts_enabled = false;
    recompute_limit();
    enter_interrupt(*this, interrupt);
    running_->interrupts_enabled = true;  // this fibre may stand on another processor now
}

void Machine::set_interrupts(bool enabled)
{
    if (!running_) return;
    running_->interrupts_enabled = enabled;
    recompute_limit();
}

void Machine::set_timer(i64 deadline_ns)
{
    running_->timer_deadline_ns = deadline_ns;
    recompute_limit();
}

void Machine::post(u32 number, InterruptKind kind, u32 which)
{
    Processor& target = *processors_.at(number);
    i64 sent = running_ ? running_->time_ns : now_ns_;
    Interrupt interrupt{sent + cost.interrupt_flight, kind, which};
    auto later = [](const Interrupt& left, const Interrupt& right) { return left.arrival_ns < right.arrival_ns; };
    target.pending.insert(std::upper_bound(target.pending.begin(), target.pending.end(), interrupt, later), interrupt);
    if (&target != running_) recompute_key(target);
    recompute_limit();
}

void Machine::post_call(u32 number, std::function<void()> function)
{
    calls_.push_back(std::move(function));
    post(number, InterruptKind::call, static_cast<u32>(calls_.size() - 1));
}

void Machine::raise(u32 number)
{
    Line& line = lines_.at(number);
    line.asserted = true;
    if (!line.masked) post(line.processor, InterruptKind::device, number);
}

void Machine::unmask(u32 number)
{
    Line& line = lines_.at(number);
    line.masked = false;
    if (line.level && line.asserted) post(line.processor, InterruptKind::device, number);
}

// --- From outside.

i64 Machine::now_ns() const { return running_ ? running_->time_ns : now_ns_; }

void Machine::at(i64 time_ns, std::function<void()> event)
{
    if (time_ns < now_ns()) throw std::invalid_argument("an event in the past");
    auto place = std::upper_bound(events_.begin(), events_.end(), time_ns,
                                  [](i64 time, const Event& other) { return time < other.time_ns; });
    events_.insert(place, {time_ns, std::move(event)});
    recompute_limit();
}

void Machine::start_processor(u32 number, void* stack)
{
    Processor& processor = *processors_.at(number);
    processor.stack = stack;
    processor.time_ns = now_ns_;
    recompute_key(processor);
}

void Machine::run_until(i64 end_ns)
{
    if (failed_) throw Stopped("the machine has stopped before: " + stopped_);
    current_machine = this;
    end_ns_ = end_ns;
    while (run_due_event(earliest_processor()->key_ns)) {
    }
    Processor* first = earliest_processor();
    if (first->key_ns != never_ns && first->key_ns <= end_ns) {
        running_ = first;
        limit_ns_ = 0;
        takt_sim_switch(&host_stack_, first->stack);
    }
    if (failed_) throw Stopped(stopped_);
    if (idle() && spinners_ != 0) throw Stopped("a CPU spins on a word that nobody will change");
    for (const auto& processor : processors_) now_ns_ = std::max(now_ns_, std::min(processor->time_ns, end_ns_));
    if (end_ns_ != never_ns) now_ns_ = std::max(now_ns_, end_ns_);
}

void Machine::return_to_host()
{
    end_ns_ = running_->time_ns;
    recompute_limit();
}

FiberStack& Machine::take_stack()
{
    stacks_.push_back(std::make_unique<FiberStack>());
    return *stacks_.back();
}

void Machine::give_back(FiberStack& stack)
{
    std::erase_if(stacks_, [&](const std::unique_ptr<FiberStack>& other) { return other.get() == &stack; });
}

void Machine::stop(std::string message)
{
    failed_ = true;
    stopped_ = std::move(message);
    Processor* self = running_;
    running_ = nullptr;
    takt_sim_switch(&self->stack, host_stack_);
    __builtin_unreachable();
}

}  // namespace takt::sim
