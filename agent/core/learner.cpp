#include "agent/core/learner.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/core/examples.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"

namespace rein {

void Learner::archive_examples(Archive& archive) const {
  if (!learns()) {
    return;
  }
  const TaskDescription& task = problem().task;
  const std::string setting =
      fmt::format("{}; {} {} {} [{}]", policy().parameters(), task.objective.to_yaml(),
                  task.prices.to_yaml(), name_of(task.power_signal), fmt::join(task.top1, ", "));
  archive.section("examples", [&](Archive& examples) {
    rein::archive_examples(examples, policy(), problem(), setting);
  });
}

void Learner::save(const std::filesystem::path& file) const {
  Archive written;
  const_cast<Learner*>(this)->archive(written);  // What writes changes nothing.
  archive_examples(written);
  write_file(file, json_text(written.json(), 1) + "\n");
}

void Learner::load(const std::filesystem::path& file) {
  // JSON is YAML, and so gets errors with line and key.
  Archive read(ConfigNode::load_record(file));
  archive(read);
  archive_examples(read);
  read.finish();
}

}  // namespace rein
