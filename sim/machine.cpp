#include <algorithm>
#include <sim/block_costs.hpp>
#include <sim/fiber.hpp>
#include <sim/machine.hpp>
#include <sys/mman.h>

namespace takt::sim {

thread_local constinit RunningClock running_clock;

namespace {

thread_local Machine* current_machine = nullptr;

constexpr u64 memory_alignment = 4ull << 20;  // of physical address 0, so that blocks are aligned in both worlds
constexpr u64 object_bytes = 64ull << 20;     // behind memory; touched as it is used

}  // namespace

// Not inline: a fibre may go on on another host thread, where a remembered address of the variable would be wrong.
[[gnu::noinline]] Machine* Machine::current() { return current_machine; }

Machine::Machine(const MachineOptions& what)
    : events(what.processors), faults(what.faults, what.seed, what.processors), options(what),
      keys_(std::max(what.processors, 1u)), lines_(line_count)
{
    if (what.processors == 0 || what.processors > processor_count_max)
        throw std::invalid_argument("1 to 128 processors");
    for (u32 number = 0; number < what.processors; number++) {
        processors_.push_back(std::make_unique<Processor>());
        processors_.back()->number = number;
        processors_.back()->random = Random::stream(what.seed, number);
        processors_.back()->until_delay = 1;
    }
    mappings.resize(what.memory_bytes / page_size);
    mapping_bytes_ = what.memory_bytes + object_bytes + memory_alignment;
    mapping_ =
        mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::bad_alloc();
    u64 base = (reinterpret_cast<u64>(mapping_) + memory_alignment - 1) & ~(memory_alignment - 1);
    memory_ = reinterpret_cast<unsigned char*>(base);
    lines_of_memory_ = std::make_unique<CacheLines>(memory_, what.memory_bytes + object_bytes);
    current_machine = this;
}

Machine::~Machine()
{
    munmap(mapping_, mapping_bytes_);
    if (current_machine == this) current_machine = nullptr;
}

void* Machine::allocate_object(usize bytes, usize alignment)
{
    u64 start = (object_bytes_used_ + alignment - 1) & ~(alignment - 1);
    if (start + bytes > object_bytes) throw std::bad_alloc();
    object_bytes_used_ = start + bytes;
    return memory_ + options.memory_bytes + start;
}

// --- Order.

void Machine::recompute_key(Processor& processor)
{
    i64 key = processor.time_ns;
    if (processor.waiting) {
        key = processor.wait_until_ns;
        if (processor.interrupts_enabled) key = std::min(key, processor.next_interrupt_ns);
        key = std::max(key, processor.time_ns);
    }
    processor.key_ns = key;
    keys_.set(processor.number, key);
}

// The running processor's. Its key is not in the tree.
void Machine::recompute_limits()
{
    if (!running_) return;
    KeyTree::Least other = keys_.least();
    i64 others = other.time_ns;
    if (others != never_ns && other.index > running_->number) others++;
    i64 limit = end_ns_ == never_ns ? never_ns : end_ns_ + 1;
    if (!outside_events_.empty()) limit = std::min(limit, outside_events_.front().time_ns);
    if (running_->interrupts_enabled) limit = std::min(limit, running_->next_interrupt_ns);
    order_limit_ns_ = std::min(limit, others);
    running_clock.limit_ns = std::min(limit, others > never_ns - lead_ns_ ? never_ns : others + lead_ns_);
}

// Before the switch to its fibre; null: to host code.
[[gnu::noinline]] void Machine::resume(Processor* processor)
{
    running_ = processor;
    if (!processor) {
        running_clock = {};
        return;
    }
    running_clock.machine = this;
    running_clock.now_ns = std::max(processor->time_ns, processor->key_ns);
    running_clock.costs = options.explore ? nullptr : &block_costs();
    running_clock.scale = options.explore ? cost.block : cost.per_1024_instructions;
    keys_.set(processor->number, never_ns);
    recompute_limits();
}

// Events happen before what processors do at the same instant.
bool Machine::run_due_event(i64 before_ns)
{
    if (outside_events_.empty()) return false;
    i64 time = outside_events_.front().time_ns;
    if (time > before_ns || time > end_ns_) return false;
    std::function<void()> action = std::move(outside_events_.front().action);
    now_ns_ = std::max(now_ns_, time);
    outside_events_.erase(outside_events_.begin());
    action();
    return true;
}

void Machine::run_due_events()
{
    while (run_due_event(keys_.least().time_ns)) {
    }
}

// The running processor stops here; returns when it is its turn again.
[[gnu::noinline]] void Machine::leave_to_next()
{
    Processor* self = running_;
    self->time_ns = running_clock.now_ns;
    recompute_key(*self);
    if (!outside_events_.empty() && outside_events_.front().time_ns <= keys_.least().time_ns) {
        resume(nullptr);
        run_due_events();
    }
    KeyTree::Least least = keys_.least();
    Processor* next = least.time_ns == never_ns || least.time_ns > end_ns_ ? nullptr : processors_[least.index].get();
    resume(next);
    if (next != self) takt_sim_switch(&self->stack, next ? next->stack : host_stack_);
}

// `lead_ns`: how far the running processor may be ahead of the others.
[[gnu::noinline]] void Machine::reorder(i64 lead_ns)
{
    for (;;) {
        Processor& self = *running_;
        const i64 now = now_ns();
        recompute_limits();
        const bool alone = keys_.least().time_ns == never_ns;
        const i64 others = keys_.least().time_ns + (keys_.least().index > self.number ? 1 : 0);
        const bool event_due = !outside_events_.empty() && outside_events_.front().time_ns <= now;
        if (event_due || now > end_ns_ || (!alone && now - lead_ns >= others)) {
            leave_to_next();
            continue;
        }
        if (!self.interrupts_enabled || self.next_interrupt_ns > now) return;
        take_interrupt(self);
    }
}

// --- Jitter: explore mode only.

void Machine::delay()
{
    Processor& self = *running_;
    self.until_delay = 1 + static_cast<u32>(self.random.below(2 * jitter.delay_one_in));
    i64 longest = self.random.one_in(jitter.theft_one_in) ? jitter.theft_ns_max : jitter.delay_ns_max;
    running_clock.now_ns += static_cast<i64>(self.random.below(static_cast<u64>(longest)));
}

// --- Faults.

bool Machine::fault_of_thread(FaultPoint point, u32 thread)
{
    if (!faults.happens_to_thread(point, running_->number, thread)) return false;
    events.add_fault(running_->number, now_ns(), static_cast<u32>(point));
    return true;
}

// Null: it does not happen now. Else what says how long, or how much.
Random* Machine::fault(FaultPoint point)
{
    if (!faults.happens(point, running_->number)) return nullptr;
    events.add_fault(running_->number, now_ns(), static_cast<u32>(point));
    return &faults.random(point, running_->number);
}

void Machine::add_spurious(Processor& self, InterruptKind kind, u32 number, i64 ns_max, Random& random)
{
    add_pending(self, {now_ns() + static_cast<i64>(random.below(static_cast<u64>(ns_max))), kind, number, true});
}

// At an interrupt: others come soon after it, or firmware that came in between has touched the clock.
void Machine::draw_faults(Processor& self)
{
    if (Random* random = fault(FaultPoint::clock_step))
        self.clock_lead_ns = static_cast<i64>(random->below(static_cast<u64>(fault_model.clock_lead_ns_max)));
    if (Random* random = fault(FaultPoint::spurious_ipi)) {
        const InterruptKind kind = random->one_in(2) ? InterruptKind::reschedule : InterruptKind::flush;
        add_spurious(self, kind, 0, fault_model.spurious_ns_max, *random);
    }
    if (Random* random = fault(FaultPoint::spurious_line)) {
        const u32 number = static_cast<u32>(random->below(fault_model.line_count));
        add_spurious(self, InterruptKind::device, number, fault_model.spurious_ns_max, *random);
    }
}

// The controller keeps one bit for each vector, and the kernel may count on no more: of two of a kind that are under
// way the second need not come. What may be taken already, by a processor that is ahead, or drawn by it, is not looked
// at.
bool Machine::is_lost(const Processor& target, InterruptKind kind)
{
    const i64 not_taken_yet = now_ns() + cost.interrupt_flight;
    const bool under_way = std::ranges::any_of(target.pending, [&](const Interrupt& other) {
        return other.kind == kind && !other.spurious && other.arrival_ns >= not_taken_yet;
    });
    return under_way && fault(FaultPoint::lost_ipi);
}

// --- Memory. The word is looked at when no processor is behind; what the line's transfer takes passes afterwards.

const void* Machine::before_load(const void* word)
{
    order(cost.atomic_access);
    const u32 self = running_->number;
    running_clock.now_ns += lines_of_memory_->read_ns(self, word, running_clock.now_ns, cost.line_transfer);
    return stores_.empty() ? word : stores_.seen_by(self, word);
}

void* Machine::before_update(void* word)
{
    order(cost.atomic_update);
    const u32 self = running_->number;
    running_clock.now_ns += lines_of_memory_->write_ns(self, word, running_clock.now_ns, cost.line_transfer);
    if (stores_.empty()) return word;
    stores_.drain(self);
    return stores_.seen_by(self, word);
}

void Machine::before_store(const void* word, usize bytes)
{
    order(cost.atomic_access);
    Processor& self = *running_;
    const i64 now = running_clock.now_ns;
    // A store waits in the buffer for its line, the processor does not.
    i64 visible = now + lines_of_memory_->write_ns(self.number, word, now, cost.line_transfer);
    if (options.explore && self.random.one_in(jitter.store_delay_one_in))
        visible += static_cast<i64>(self.random.below(static_cast<u64>(jitter.store_delay_ns_max)));
    if (visible > now || !stores_.empty()) stores_.add(self.number, word, bytes, visible);
}

void Machine::after_store(const void* word)
{
    if (spinners_ == 0) [[likely]]
        return;
    wake_spinners(word, std::max(stores_.visible_ns(word), now_ns()) + cost.line_transfer);
}

// --- Waiting.

i64 Machine::wait(i64 ns)
{
    if (watcher) {
        Processor& self = *running_;
        Outside outside(*this);
        watcher->left_kernel(self);
    }
    return wait_here(ns);
}

i64 Machine::wait_here(i64 ns)
{
    Processor& self = *running_;
    const i64 start = now_ns();
    self.waiting = true;
    self.wait_until_ns = ns == never_ns ? never_ns : start + ns;
    leave_to_next();
    self.waiting = false;
    self.wait_until_ns = never_ns;
    if (self.spin_word) {
        self.spin_word = nullptr;
        spinners_--;
    }
    const i64 passed = now_ns() - start;
    reorder(0);
    return passed;
}

// Race: a store to the word may be on its way already.
void Machine::spin_on(const void* word)
{
    const i64 visible = stores_.visible_ns(word);
    running_->spin_word = word;
    spinners_++;
    wait_here(visible != 0 ? std::max(visible - now_ns(), i64{0}) + cost.line_transfer : never_ns);
}

void Machine::wake_spinners(const void* word, i64 seen_ns)
{
    for (const auto& processor : processors_) {
        if (processor->spin_word != word) continue;
        processor->spin_word = nullptr;
        spinners_--;
        processor->wait_until_ns = std::min(processor->wait_until_ns, seen_ns);
        recompute_key(*processor);
    }
    recompute_limits();
}

// --- Interrupts.

void Machine::recompute_next_interrupt(Processor& processor)
{
    i64 arrival = processor.pending.empty() ? never_ns : processor.pending.front().arrival_ns;
    processor.next_interrupt_ns = std::min(arrival, processor.timer_deadline_ns);
}

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
            return other.kind == interrupt.kind && other.number == interrupt.number && other.arrival_ns <= now_ns();
        });
    }
    recompute_next_interrupt(processor);
    draw_faults(processor);
    processor.interrupts_enabled = false;
    recompute_limits();
    events.add(processor.number, now_ns(), EventKind::interrupt, static_cast<u32>(interrupt.kind), interrupt.number);
    enter_interrupt(*this, interrupt);
    running_->interrupts_enabled = true;  // this fibre may stand on another processor now
}

void Machine::set_interrupts(bool enabled)
{
    running_->interrupts_enabled = enabled;
    if (!enabled) return;  // a limit that is too low does no harm
    order_limit_ns_ = std::min(order_limit_ns_, running_->next_interrupt_ns);
    running_clock.limit_ns = std::min(running_clock.limit_ns, running_->next_interrupt_ns);
}

i64 Machine::read_clock()
{
    Processor& self = *running_;
    self.clock_ns = std::max(self.clock_ns, now_ns() + self.clock_lead_ns);
    return self.clock_ns;
}

void Machine::set_timer(i64 deadline_ns)
{
    if (deadline_ns != never_ns) deadline_ns -= running_->clock_lead_ns;
    running_->timer_deadline_ns = deadline_ns;
    if (deadline_ns > now_ns() && deadline_ns != never_ns)
        if (Random* random = fault(FaultPoint::spurious_timer))
            add_spurious(*running_, InterruptKind::timer, 0,
                         std::min(deadline_ns - now_ns(), fault_model.spurious_ns_max), *random);
    recompute_next_interrupt(*running_);
    recompute_limits();
}

void Machine::post(u32 number, InterruptKind kind, u32 which)
{
    Processor& target = *processors_.at(number);
    i64 flight = cost.interrupt_flight;
    if (running_ && (kind == InterruptKind::reschedule || kind == InterruptKind::flush)) {
        if (is_lost(target, kind)) return;
        if (Random* random = fault(FaultPoint::delayed_ipi))
            flight += static_cast<i64>(random->below(static_cast<u64>(fault_model.ipi_delay_ns_max)));
    }
    if (options.explore && running_)
        flight += static_cast<i64>(running_->random.below(static_cast<u64>(jitter.flight_ns_max)));
    add_pending(target, {now_ns() + flight, kind, which});
}

void Machine::add_pending(Processor& target, const Interrupt& interrupt)
{
    auto later = [](const Interrupt& left, const Interrupt& right) { return left.arrival_ns < right.arrival_ns; };
    target.pending.insert(std::upper_bound(target.pending.begin(), target.pending.end(), interrupt, later), interrupt);
    recompute_next_interrupt(target);
    if (&target != running_) recompute_key(target);
    recompute_limits();
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

void Machine::at(i64 time_ns, std::function<void()> event)
{
    if (time_ns < now_ns()) throw std::invalid_argument("an event in the past");
    auto place = std::upper_bound(outside_events_.begin(), outside_events_.end(), time_ns,
                                  [](i64 time, const OutsideEvent& other) { return time < other.time_ns; });
    outside_events_.insert(place, {time_ns, std::move(event)});
    recompute_limits();
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
    lead_ns_ = options.strict ? 0 : cost.interrupt_flight;
    run_due_events();
    KeyTree::Least first = keys_.least();
    if (first.time_ns != never_ns && first.time_ns <= end_ns) {
        resume(processors_[first.index].get());
        takt_sim_switch(&host_stack_, running_->stack);
    }
    if (failed_) throw Stopped(stopped_);
    if (idle() && spinners_ != 0) throw Stopped("a CPU spins on a word that nobody will change");
    for (const auto& processor : processors_) now_ns_ = std::max(now_ns_, std::min(processor->time_ns, end_ns_));
    if (end_ns_ != never_ns) now_ns_ = std::max(now_ns_, end_ns_);
}

void Machine::return_to_host()
{
    end_ns_ = now_ns();
    recompute_limits();
}

Machine::Outside::Outside(Machine& machine)
    : machine_(machine), running_(machine.running_), now_ns_(machine.now_ns_), clock_(running_clock)
{
    machine.now_ns_ = machine.now_ns();
    machine.running_ = nullptr;
    running_clock = {};
}

// Does not return when what was done outside has failed.
Machine::Outside::~Outside()
{
    machine_.running_ = running_;
    machine_.now_ns_ = now_ns_;
    running_clock = clock_;
    machine_.recompute_limits();
    if (machine_.failed_) machine_.abandon();
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

void Machine::fail(std::string message)
{
    if (failed_) return;
    failed_ = true;
    stopped_ = std::move(message) + " [at " + std::to_string(now_ns()) + " ns]";
}

void Machine::stop(std::string message)
{
    fail(std::move(message));
    abandon();
}

void Machine::abandon()
{
    Processor* self = running_;
    resume(nullptr);
    takt_sim_switch(&self->stack, host_stack_);
    __builtin_unreachable();
}

}  // namespace takt::sim
