#include "platform/kernel/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "platform/kernel/cpu_set.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

bool is_alphanumeric(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

/// `verb`: "read" or "written".
Missing obstacle(const SysfsRoot& root, const std::string& path, int error, const char* verb,
                 const std::string& absent, const std::string& rights) {
  const std::string reason = fmt::format("cannot be {}: {}", verb, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return root.leads_nowhere(path)
                 ? Missing{path, "is behind a link whose target is hidden here",
                           "run where all of /sys is to be seen, outside of a container"}
                 : Missing{path, "does not exist", absent};
    case EACCES:
    case EPERM:
      return {path, reason,
              root.calls().is_root() ? "run outside of what closes it even to root (a container, "
                                       "a lockdown of the kernel)"
                                     : rights};
    case EROFS:
      return {path, reason, "mount it writable, or run outside of the container"};
    case EIO:
      return {path, reason, "the device does not answer: the kernel's log (dmesg) may say why"};
    case EAGAIN:
    case ENODATA:
    case ENODEV:
    case ENXIO:
    case ETIMEDOUT:
      return {path, reason, "the device is off, asleep or gone: wake it"};
    default:
      return {path, reason, "the kernel's log (dmesg) may say why"};
  }
}

/// What all texts begin with. No number is cut in two, nor a word.
std::size_t common_begin(const std::vector<std::string>& texts) {
  const std::string& first = texts.front();
  std::size_t size = first.size();
  for (const auto& text : texts) {
    const auto [end, ignored] = std::mismatch(
        first.begin(), first.begin() + static_cast<std::ptrdiff_t>(size), text.begin(), text.end());
    size = static_cast<std::size_t>(end - first.begin());
  }
  const auto begins_number = [size](const std::string& text) {
    return size >= text.size() || !is_alphanumeric(text[size]) || is_digit(text[size]);
  };
  const bool numbers = std::all_of(texts.begin(), texts.end(), begins_number);
  while (size > 0 &&
         (is_digit(first[size - 1]) || (!numbers && is_alphanumeric(first[size - 1])))) {
    --size;
  }
  return size;
}

/// What all end with, behind `begin`.
std::size_t common_end(const std::vector<std::string>& texts, std::size_t begin) {
  const std::string& first = texts.front();
  std::size_t size = first.size() - begin;
  for (const auto& text : texts) {
    size = std::min(size, text.size() - begin);
    const auto [end, ignored] =
        std::mismatch(first.rbegin(), first.rbegin() + static_cast<std::ptrdiff_t>(size),
                      text.rbegin(), text.rend());
    size = static_cast<std::size_t>(end - first.rbegin());
  }
  while (size > 0 && is_alphanumeric(first[first.size() - size])) {
    --size;
  }
  return size;
}

/// Whole numbers as "0-3,5".
std::string join(const std::vector<std::string>& parts) {
  CpuList numbers;
  for (const auto& part : parts) {
    if (const auto number = parse_count(part); number && *number < 100'000) {
      numbers.push_back(static_cast<int>(*number));
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers.size() == parts.size() ? format_cpu_list(numbers)
                                        : fmt::format("{}", fmt::join(parts, ","));
}

/// Of paths that part ways behind `begin`: those in each folder by themselves.
std::string fold_by_folder(const std::vector<std::string>& paths, std::size_t begin) {
  std::vector<std::string> folders;
  std::vector<std::vector<std::string>> groups;
  for (const auto& path : paths) {
    const std::string folder = path.substr(0, path.find('/', begin));
    const auto found = std::find(folders.begin(), folders.end(), folder);
    if (found == folders.end()) {
      folders.push_back(folder);
      groups.push_back({path});
    } else {
      groups[static_cast<std::size_t>(found - folders.begin())].push_back(path);
    }
  }
  std::string text;
  for (const auto& group : groups) {
    text += (text.empty() ? "" : ", ") +
            (groups.size() > 1 ? fold(group) : fmt::format("{}", fmt::join(group, ", ")));
  }
  return text;
}

}  // namespace

Missing unreadable(const SysfsRoot& root, const std::string& path, const std::string& absent,
                   const std::string& rights) {
  return obstacle(root, path, root.read_error(path), "read", absent, rights);
}

Missing unwritable(const SysfsRoot& root, const std::string& path, const std::string& absent,
                   const std::string& rights) {
  return obstacle(root, path, root.write_error(path), "written", absent, rights);
}

std::string fold(std::vector<std::string> texts) {
  std::vector<std::string> once;
  for (auto& text : texts) {
    if (std::find(once.begin(), once.end(), text) == once.end()) {
      once.push_back(std::move(text));
    }
  }
  if (once.size() < 2) {
    return once.empty() ? "" : once.front();
  }
  const std::size_t begin = common_begin(once);
  const std::size_t end = common_end(once, begin);
  std::vector<std::string> parts(once.size());
  std::transform(once.begin(), once.end(), parts.begin(), [begin, end](const std::string& text) {
    return text.substr(begin, text.size() - begin - end);
  });
  const bool in_folders = std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part.find('/') != std::string::npos;
  });
  if (in_folders) {
    return fold_by_folder(once, begin);
  }
  if (begin == 0 || std::find(parts.begin(), parts.end(), "") != parts.end()) {
    return fmt::format("{}", fmt::join(once, ", "));
  }
  return fmt::format("{}{{{}}}{}", once.front().substr(0, begin), join(parts),
                     once.front().substr(once.front().size() - end));
}

std::vector<Missing> fold(const std::vector<Missing>& missing) {
  std::vector<Missing> folded;
  std::vector<std::vector<std::string>> paths;
  for (const auto& each : missing) {
    const auto same = std::find_if(folded.begin(), folded.end(), [&each](const Missing& other) {
      return other.reason == each.reason && other.remedy == each.remedy;
    });
    if (same == folded.end()) {
      folded.push_back(each);
      paths.push_back({each.path});
    } else {
      paths[static_cast<std::size_t>(same - folded.begin())].push_back(each.path);
    }
  }
  for (std::size_t i = 0; i < folded.size(); ++i) {
    folded[i].path = fold(std::move(paths[i]));
  }
  return folded;
}

}  // namespace rein
