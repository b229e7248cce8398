#include "common/config_node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/printable.hpp"
#include "common/yaml_text.hpp"

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

// What a message shows of a value, and what it holds in all [bytes].
constexpr std::size_t kMostShown = 80;
constexpr std::size_t kMostSaid = 2000;

std::string found(const YAML::Node& node) {
  if (!node.IsDefined()) {
    return "nothing";
  }
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return fmt::format("'{}'", printable(node.Scalar(), kMostShown));
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a mapping";
    default:
      return "nothing";
  }
}

[[noreturn]] void throw_at(const std::string& name, const YAML::Mark& mark,
                           const std::string& problem) {
  throw ConfigError(printable(
      mark.is_null() ? fmt::format("{}: {}", name, problem)
                     : fmt::format("{}:{}:{}: {}", name, mark.line + 1, mark.column + 1, problem),
      kMostSaid));
}

/// Looks at a document before anything is made of it: yaml-cpp takes some hundred bytes for each
/// node, and what walks a tree takes stack for each level.
class DocumentCheck final : public YAML::EventHandler {
 public:
  DocumentCheck(const std::string& name, std::size_t most_nodes)
      : name_(name), most_nodes_(most_nodes) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string&) override {
    leaf(mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto anchored = sizes_.find(anchor);
    if (anchored == sizes_.end()) {
      throw_at(name_, mark, "expected an alias of what is complete, found one of what holds it");
    }
    count(mark, anchored->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  static constexpr std::size_t kMostLevels = 64;

  struct Open {
    YAML::anchor_t anchor;
    std::size_t before;
  };

  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > most_nodes_) {
      throw_at(name_, mark,
               fmt::format("expected at most {} values, aliases counted as what they stand for, "
                           "found more",
                           most_nodes_));
    }
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(mark, 1);
    if (anchor != YAML::NullAnchor) {
      sizes_[anchor] = 1;
    }
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    open_.push_back({anchor, nodes_});
    count(mark, 1);
    if (open_.size() > kMostLevels) {
      throw_at(name_, mark, fmt::format("expected at most {} levels, found more", kMostLevels));
    }
  }
  void close() {
    const Open& closed = open_.back();
    if (closed.anchor != YAML::NullAnchor) {
      sizes_[closed.anchor] = nodes_ - closed.before;
    }
    open_.pop_back();
  }

  const std::string& name_;
  std::size_t most_nodes_;
  std::size_t nodes_ = 0;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, std::size_t> sizes_;  ///< Of what is complete.
};

// How many values a document may have.
constexpr std::size_t kMostWrittenNodes = 100'000;
constexpr std::size_t kMostRecordedNodes = 4'000'000;

/// @throws ConfigError
YAML::Node parse_yaml(const std::string& text, const std::string& name, std::size_t most_nodes) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    DocumentCheck check(name, most_nodes);
    parser.HandleNextDocument(check);
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw_at(name, error.mark, "expected YAML, found a mistake: " + error.msg);
  }
}

/// The name of an entry. @throws ConfigError if it is none.
std::string key_of(const YAML::Node& key, const std::string& parent, const std::string& name) {
  if (!key.IsScalar()) {
    throw_at(name, key.Mark(),
             fmt::format("{}expected names as keys, found {}", parent.empty() ? "" : parent + ": ",
                         found(key)));
  }
  return key.Scalar();
}

std::string join(const std::set<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string dotted(const std::string& parent, const std::string& key) {
  return parent.empty() ? key : parent + "." + key;
}

/// Where nothing is a number, only a range that somebody chose is worth telling.
std::string expected(const std::string& what, const Range& range) {
  const bool is_chosen = range.min > -Range::kFarthest || range.max < Range::kFarthest;
  return is_chosen ? range.describe(what) : what;
}

// The library's own emitter drops bytes that are no UTF-8, and the quotes that make "null" a text.

/// What was quoted stays so: other readers make numbers and booleans of words that are not.
std::string scalar_text(const YAML::Node& node) {
  return node.Tag() == "!" ? yaml_quoted(node.Scalar()) : yaml_text(node.Scalar());
}

/// As it is to stand before a colon.
std::string key_text(const YAML::Node& key) {
  constexpr std::size_t kLongestSimple = 1000;  // YAML looks no farther for the colon.
  const std::string text = key.IsScalar() ? scalar_text(key) : "~";
  return text.size() > kLongestSimple ? "? " + text + "\n" : text;
}

void write_flow(const YAML::Node& node, std::string& text) {
  if (node.IsMap()) {
    text += '{';
    const char* separator = "";
    for (const auto& entry : node) {
      text += std::exchange(separator, ", ");
      text += key_text(entry.first) + ": ";
      write_flow(entry.second, text);
    }
    text += '}';
  } else if (node.IsSequence()) {
    text += '[';
    const char* separator = "";
    for (const auto& item : node) {
      text += std::exchange(separator, ", ");
      write_flow(item, text);
    }
    text += ']';
  } else {
    text += node.IsScalar() ? scalar_text(node) : "~";
  }
}

bool is_block(const YAML::Node& node) {
  return (node.IsMap() || node.IsSequence()) && node.size() > 0 &&
         node.Style() != YAML::EmitterStyle::Flow;
}

/// Begins where the line is, and ends without a line's end. @param indent  of its further lines.
void write_block(const YAML::Node& node, std::size_t indent, std::string& text) {
  if (!is_block(node)) {
    write_flow(node, text);
    return;
  }
  const auto line = [&](std::size_t columns) { text += "\n" + std::string(columns, ' '); };
  bool is_first = true;
  const auto begin_entry = [&] {
    if (!std::exchange(is_first, false)) {
      line(indent);
    }
  };
  if (node.IsSequence()) {
    for (const auto& item : node) {
      begin_entry();
      text += "- ";
      write_block(item, indent + 2, text);
    }
    return;
  }
  for (const auto& entry : node) {
    begin_entry();
    std::string key = key_text(entry.first);
    if (key.ends_with('\n')) {
      key += std::string(indent, ' ');
    }
    text += key + ":";
    if (is_block(entry.second)) {
      line(indent + 2);
    } else {
      text += ' ';
    }
    write_block(entry.second, indent + 2, text);
  }
}

}  // namespace

std::string Range::describe(std::string_view what) const {
  // As people write it, but for many zeros.
  const auto text = [](double end) {
    return std::abs(end) < 1e9 ? fmt::format("{}", end) : fmt::format("{:g}", end);
  };
  return fmt::format("{} {} {}{}{}{}", what, min_excluded ? "above" : "from", text(min),
                     min_excluded ? " and at most " : " to ", text(max),
                     *unit == '\0' ? "" : fmt::format(" {}", unit));
}

ConfigNode ConfigNode::load(const std::filesystem::path& file) {
  return parse(read_file(file, kMostWritten), file.string());
}

ConfigNode ConfigNode::load_record(const std::filesystem::path& file) {
  return parse(read_file(file, kMostRecorded), file.string(), kMostRecordedNodes);
}

ConfigNode ConfigNode::parse(const std::string& text, const std::string& name) {
  return parse(text, name, kMostWrittenNodes);
}

ConfigNode ConfigNode::parse(const std::string& text, const std::string& name,
                             std::size_t most_nodes) {
  auto impl = std::make_shared<Impl>();
  impl->document = std::make_shared<Document>();
  impl->document->file = name;
  // It keeps the last of two equal keys without a word.
  impl->node = parse_yaml(text, name, most_nodes);
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
  reject(fmt::format("expected {}, found {}", expected, found(impl_->node)));
}

void ConfigNode::reject(const std::string& problem) const {
  throw ConfigError(printable(fmt::format("{}: {}", where(), problem), kMostSaid));
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
  std::set<std::string> seen;
  for (const auto& entry : impl_->node) {
    const std::string key = key_of(entry.first, impl_->key, impl_->document->file.string());
    impl_->asked.insert(key);
    auto& child = impl_->children[key];
    if (!child) {  // Without looking for it again, which would take as long as the list.
      child = std::make_shared<Impl>();
      child->document = impl_->document;
      child->node = entry.second;
      child->key = dotted(impl_->key, key);
    }
    result.emplace_back(key, ConfigNode(child));
    if (!seen.insert(key).second) {
      result.back().second.reject("expected each key once, found it twice");
    }
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
    const std::string key = key_of(entry.first, impl_->key, impl_->document->file.string());
    const YAML::Mark mark = entry.first.Mark();
    const auto complain = [&](const std::string& problem) {
      const auto name = dotted(impl_->key, key);
      const std::string* const origin = impl_->document->origin_of(name);
      if (origin != nullptr || mark.is_null()) {
        throw ConfigError(fmt::format("{}: {}: {}",
                                      origin == nullptr ? impl_->document->file.string() : *origin,
                                      name, problem));
      }
      throw_at(impl_->document->file.string(), mark, fmt::format("{}: {}", name, problem));
    };
    if (!impl_->asked.contains(key)) {
      complain(fmt::format("expected one of {}, found the unknown key '{}'", join(impl_->asked),
                           printable(key, kMostShown)));
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
      !std::isfinite(value)) {
    fail(expected("a number", range));
  }
  if (!range.contains(value)) {
    fail(range.describe("a number"));
  }
  return value;
}

std::int64_t ConfigNode::integer(const Range& range) const {
  std::int64_t value = 0;
  if (!impl_->node.IsScalar() || !YAML::convert<std::int64_t>::decode(impl_->node, value)) {
    fail(expected("a whole number", range));
  }
  if (!range.contains(static_cast<double>(value))) {
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
  if (impl_->node.Scalar().find('\0') != std::string::npos) {
    fail("text without zero bytes");
  }
  return impl_->node.Scalar();
}

std::string ConfigNode::name() const {
  constexpr std::size_t kLongest = 100;
  std::string name = text();
  if (name.size() > kLongest || printable(name, kLongest) != name) {
    fail(fmt::format("a name on one line, of at most {} bytes", kLongest));
  }
  return name;
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
  constexpr std::size_t kMostParts = 32;
  if (path.size() > kMostParts) {
    throw UsageError(fmt::format("{}: expected at most {} keys with dots between, found {}", origin,
                                 kMostParts, path.size()));
  }
  YAML::Node parsed;
  try {
    parsed = parse_yaml(value, origin, kMostWrittenNodes);
  } catch (const ConfigError& error) {
    throw UsageError(error.what());
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

void ConfigNode::set_text(const std::string& dotted_key, const std::string& text,
                          const std::string& origin) {
  set(dotted_key, yaml_quoted(text), origin);
}

std::string ConfigNode::dump() const {
  std::string text;
  write_block(impl_->node, 0, text);
  return text + "\n";
}

}  // namespace rein
