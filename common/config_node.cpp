#include "common/config_node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "common/error.hpp"

namespace rein {

struct ConfigNode::Document {
  std::filesystem::path file;
  /// Dotted keys that were set from outside the file, and by what.
  std::map<std::string, std::string> origins;

  /// What set this key, or what it is a part of: the innermost. Null for what is in the file.
  const std::string* origin_of(std::string key) const {
    while (true) {
      if (const auto origin = origins.find(key); origin != origins.end()) {
        return &origin->second;
      }
      const auto dot = key.rfind('.');
      if (dot == std::string::npos) {
        return nullptr;
      }
      key.resize(dot);
    }
  }
};

struct ConfigNode::Impl {
  std::shared_ptr<Document> document;
  YAML::Node node;
  std::string key;
  std::set<std::string> asked;
  /// Children are kept, so that what was asked of them is remembered.
  std::map<std::string, std::shared_ptr<Impl>> children;
};

namespace {

std::string found(const YAML::Node& node) {
  if (!node.IsDefined()) {
    return "nothing";
  }
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return "'" + node.Scalar() + "'";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a mapping";
    default:
      return "nothing";
  }
}

std::string join(const std::set<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string dotted(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

}  // namespace

std::string Range::describe(std::string_view what) const {
  const bool has_min = std::isfinite(min);
  const bool has_max = std::isfinite(max);
  if (has_min && has_max) {
    return min_excluded ? fmt::format("{} above {} and at most {}", what, min, max)
                        : fmt::format("{} from {} to {}", what, min, max);
  }
  if (has_min) {
    return fmt::format("{} {} {}", what, min_excluded ? "above" : "of at least", min);
  }
  return has_max ? fmt::format("{} of at most {}", what, max) : std::string(what);
}

ConfigNode ConfigNode::load(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) {
    throw ConfigError(fmt::format("{}: expected a file, found a folder", file.string()));
  }
  const std::ifstream stream(file);
  if (!stream) {
    throw ConfigError(
        fmt::format("{}: expected a file that can be read, found none", file.string()));
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return parse(text.str(), file.string());
}

ConfigNode ConfigNode::parse(const std::string& text, const std::string& name) {
  auto impl = std::make_shared<Impl>();
  impl->document = std::make_shared<Document>();
  impl->document->file = name;
  try {
    impl->node = YAML::Load(text);
  } catch (const YAML::ParserException& error) {
    throw ConfigError(fmt::format("{}:{}:{}: expected YAML, found a mistake: {}", name,
                                  error.mark.line + 1, error.mark.column + 1, error.msg));
  }
  // yaml-cpp keeps the last of two equal keys without a word.
  return ConfigNode(std::move(impl));
}

const std::string& ConfigNode::key() const { return impl_->key; }
const std::filesystem::path& ConfigNode::file() const { return impl_->document->file; }

std::filesystem::path ConfigNode::resolve(const std::string& path) const {
  return (impl_->document->file.parent_path() / path).lexically_normal();
}

bool ConfigNode::is_mapping() const { return impl_->node.IsMap(); }
bool ConfigNode::is_sequence() const { return impl_->node.IsSequence(); }
bool ConfigNode::is_null() const { return !impl_->node.IsDefined() || impl_->node.IsNull(); }

std::string ConfigNode::where() const {
  // What was set from outside has no place in the file; neither have its children.
  if (const std::string* origin = impl_->document->origin_of(impl_->key)) {
    return fmt::format("{}: {}", *origin, impl_->key);
  }
  const YAML::Mark mark = impl_->node.Mark();
  std::string place = impl_->document->file.string();
  if (!mark.is_null()) {
    place += fmt::format(":{}:{}", mark.line + 1, mark.column + 1);
  }
  return impl_->key.empty() ? place : place + ": " + impl_->key;
}

void ConfigNode::fail(const std::string& expected) const {
  throw ConfigError(
      fmt::format("{}: expected {}, found {}", where(), expected, found(impl_->node)));
}

void ConfigNode::reject(const std::string& problem) const {
  throw ConfigError(fmt::format("{}: {}", where(), problem));
}

ConfigNode ConfigNode::child(const std::string& key) const {
  auto& child = impl_->children[key];
  if (!child) {
    // A const node: looking a key up in a non-const one would add it.
    const YAML::Node& node = impl_->node;
    child = std::make_shared<Impl>();
    child->document = impl_->document;
    child->node = node[key];
    child->key = dotted(impl_->key, key);
  }
  return ConfigNode(child);
}

bool ConfigNode::has(const std::string& key) const {
  if (is_null()) {
    return false;
  }
  if (!is_mapping()) {
    fail("a mapping");
  }
  impl_->asked.insert(key);
  const YAML::Node& node = impl_->node;
  return node[key].IsDefined();
}

ConfigNode ConfigNode::at(const std::string& key) const {
  if (is_null() && !impl_->key.empty()) {
    fail("a mapping");
  }
  if (!has(key)) {
    throw ConfigError(
        fmt::format("{}: expected this key, found nothing",
                    ConfigNode(impl_).where() + (impl_->key.empty() ? ": " : ".") + key));
  }
  return child(key);
}

std::vector<std::pair<std::string, ConfigNode>> ConfigNode::entries() const {
  if (!is_mapping()) {
    fail("a mapping");
  }
  std::vector<std::pair<std::string, ConfigNode>> result;
  for (const auto& entry : impl_->node) {
    const auto key = entry.first.as<std::string>();
    impl_->asked.insert(key);
    result.emplace_back(key, child(key));
  }
  return result;
}

void ConfigNode::reject_unknown() const {
  if (is_null()) {
    return;
  }
  if (!is_mapping()) {
    fail("a mapping");
  }
  std::set<std::string> seen;
  for (const auto& entry : impl_->node) {
    const auto key = entry.first.as<std::string>();
    const YAML::Mark mark = entry.first.Mark();
    const auto complain = [&](const std::string& problem) {
      const auto name = dotted(impl_->key, key);
      const std::string* const origin = impl_->document->origin_of(name);
      throw ConfigError(
          origin != nullptr || mark.is_null()
              ? fmt::format("{}: {}: {}",
                            origin == nullptr ? impl_->document->file.string() : *origin, name,
                            problem)
              : fmt::format("{}:{}:{}: {}: {}", impl_->document->file.string(), mark.line + 1,
                            mark.column + 1, name, problem));
    };
    if (!impl_->asked.contains(key)) {
      complain(
          fmt::format("expected one of {}, found the unknown key '{}'", join(impl_->asked), key));
    }
    if (!seen.insert(key).second) {
      complain("expected each key once, found it twice");
    }
  }
}

std::vector<ConfigNode> ConfigNode::items() const {
  if (!is_sequence()) {
    fail("a list");
  }
  std::vector<ConfigNode> result;
  for (std::size_t i = 0; i < impl_->node.size(); ++i) {
    auto& child = impl_->children[std::to_string(i)];
    if (!child) {
      const YAML::Node& node = impl_->node;
      child = std::make_shared<Impl>();
      child->document = impl_->document;
      child->node = node[i];
      child->key = dotted(impl_->key, std::to_string(i));
    }
    result.push_back(ConfigNode(child));
  }
  return result;
}

double ConfigNode::number(const Range& range) const {
  double value = 0.0;
  if (!impl_->node.IsScalar() || !YAML::convert<double>::decode(impl_->node, value) ||
      !std::isfinite(value) || !range.contains(value)) {
    fail(range.describe("a number"));
  }
  return value;
}

std::int64_t ConfigNode::integer(const Range& range) const {
  std::int64_t value = 0;
  if (!impl_->node.IsScalar() || !YAML::convert<std::int64_t>::decode(impl_->node, value) ||
      !range.contains(static_cast<double>(value))) {
    fail(range.describe("a whole number"));
  }
  return value;
}

bool ConfigNode::boolean() const {
  bool value = false;
  if (!impl_->node.IsScalar() || !YAML::convert<bool>::decode(impl_->node, value)) {
    fail("true or false");
  }
  return value;
}

std::string ConfigNode::text() const {
  if (!impl_->node.IsScalar() || impl_->node.Scalar().empty()) {
    fail("text");
  }
  return impl_->node.Scalar();
}

std::string ConfigNode::one_of(const std::vector<std::string>& choices) const {
  for (const auto& choice : choices) {
    if (impl_->node.IsScalar() && impl_->node.Scalar() == choice) {
      return choice;
    }
  }
  fail(fmt::format("one of {}", fmt::join(choices, ", ")));
}

std::vector<double> ConfigNode::numbers(const Range& range) const {
  std::vector<double> result;
  for (const auto& item : items()) {
    result.push_back(item.number(range));
  }
  return result;
}

double ConfigNode::number_or(const std::string& key, double fallback, const Range& range) const {
  return has(key) ? at(key).number(range) : fallback;
}
std::int64_t ConfigNode::integer_or(const std::string& key, std::int64_t fallback,
                                    const Range& range) const {
  return has(key) ? at(key).integer(range) : fallback;
}
std::string ConfigNode::text_or(const std::string& key, const std::string& fallback) const {
  return has(key) ? at(key).text() : fallback;
}
bool ConfigNode::boolean_or(const std::string& key, bool fallback) const {
  return has(key) ? at(key).boolean() : fallback;
}

void ConfigNode::set(const std::string& dotted_key, const std::string& value,
                     const std::string& origin) {
  YAML::Node node = impl_->node;
  std::istringstream parts(dotted_key);
  std::string part;
  std::vector<std::string> path;
  while (std::getline(parts, part, '.')) {
    if (part.empty()) {
      break;
    }
    path.push_back(part);
  }
  if (path.empty() || dotted_key.ends_with('.') || dotted_key.find("..") != std::string::npos) {
    throw UsageError(fmt::format("{}: expected dotted.key=value, found '{}'", origin, dotted_key));
  }
  YAML::Node parsed;
  try {
    parsed = YAML::Load(value);
  } catch (const YAML::ParserException& error) {
    throw UsageError(fmt::format("{}: expected YAML, found '{}': {}", origin, value, error.msg));
  }
  for (std::size_t i = 0; i < path.size(); ++i) {
    YAML::Node next;
    if (node.IsSequence()) {
      char* end = nullptr;
      const std::size_t index = std::strtoul(path[i].c_str(), &end, 10);
      if (*end != '\0' || index >= node.size()) {
        throw UsageError(fmt::format("{}: expected an index below {} into the list, found '{}'",
                                     origin, node.size(), path[i]));
      }
      next.reset(node[index]);
    } else if (node.IsScalar()) {
      throw UsageError(fmt::format("{}: expected a mapping before '{}', found '{}'", origin,
                                   path[i], node.Scalar()));
    } else {
      next.reset(node[path[i]]);
    }
    if (i + 1 == path.size()) {
      next = parsed;
    }
    node.reset(next);
  }
  impl_->children.clear();
  impl_->document->origins[dotted_key] = origin;
}

std::string ConfigNode::dump() const {
  YAML::Emitter emitter;
  emitter << impl_->node;
  return std::string(emitter.c_str()) + "\n";
}

}  // namespace rein
