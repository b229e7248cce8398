#include "agent/core/learner.hpp"

#include <nlohmann/json.hpp>

#include "common/files.hpp"
#include "common/json_text.hpp"

namespace rein {

void Learner::save(const std::filesystem::path& file) const {
  Archive written;
  const_cast<Learner*>(this)->archive(written);  // What writes changes nothing.
  write_file(file, json_text(written.json(), 1) + "\n");
}

void Learner::load(const std::filesystem::path& file) {
  // JSON is YAML, and so gets errors with line and key.
  Archive read(ConfigNode::load_record(file));
  archive(read);
  read.finish();
}

}  // namespace rein
