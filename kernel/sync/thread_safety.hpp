// Clang's thread-safety attributes, by the names its manual uses. Empty on other compilers.
#pragma once

#ifdef __clang__
#define TAKT_ATTRIBUTE(x) __attribute__((x))
#else
#define TAKT_ATTRIBUTE(x)
#endif

#define CAPABILITY(name) TAKT_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY TAKT_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(lock) TAKT_ATTRIBUTE(guarded_by(lock))
#define PT_GUARDED_BY(lock) TAKT_ATTRIBUTE(pt_guarded_by(lock))
#define ACQUIRE(...) TAKT_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) TAKT_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) TAKT_ATTRIBUTE(release_capability(__VA_ARGS__))
#define REQUIRES(...) TAKT_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) TAKT_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(lock) TAKT_ATTRIBUTE(assert_capability(lock))
#define RETURN_CAPABILITY(lock) TAKT_ATTRIBUTE(lock_returned(lock))
#define NO_THREAD_SAFETY_ANALYSIS TAKT_ATTRIBUTE(no_thread_safety_analysis)
