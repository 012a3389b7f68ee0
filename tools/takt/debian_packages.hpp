// Debian packages as a source of files: downloaded and unpacked, never installed.
#pragma once

#include "host_files.hpp"

#include <string>
#include <vector>

namespace takt {

struct DebianPackage {
    std::string name;
    fs::path directory;  // its files, unpacked, as they would lie below /
};

class DebianPackages {
public:
    // `cache` holds one directory for each version of each package. `record` remembers which
    // versions a set was made of, so that a later run neither asks apt nor changes by itself;
    // removing the file makes the next run take what apt offers then.
    DebianPackages(fs::path cache, fs::path record) : cache_(std::move(cache)), record_(std::move(record)) {}

    // The named packages alone.
    std::vector<DebianPackage> fetch(const std::vector<std::string>& names);
    // A package and all that it depends on; Failure if apt does not know it.
    std::vector<DebianPackage> fetch_with_dependencies(const std::string& name);

private:
    std::vector<DebianPackage> recorded(const std::string& set) const;
    void remember(const std::string& set, const std::vector<DebianPackage>& packages) const;
    std::vector<DebianPackage> download(const std::vector<std::string>& names) const;

    fs::path cache_;
    fs::path record_;
};

// What `apt-cache depends --recurse` printed, walked from `name`: of alternatives the first, of a
// package that is only a name the first that provides it. In alphabetical order.
std::vector<std::string> dependency_closure(const std::string& apt_output, const std::string& name);

}  // namespace takt
