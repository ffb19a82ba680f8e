// impsweep completion, and the words behind it: commands, flags, tasks, keys, and chains of a store.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/commands/command.hpp"
#include "engine/job/settings.hpp"
#include "engine/store/contents.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kFiles = ":files";  // the shell completes names of files
constexpr std::size_t kMostChains = 5000;

constexpr const char* kBash = R"(# bash completion for impsweep: source <(impsweep completion bash)
_impsweep() {
  local IFS=$'\n' words=("${COMP_WORDS[@]:1:COMP_CWORD}") found
  found=$("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null) || return
  if [[ $found == ":files" ]]; then
    compopt -o default
    COMPREPLY=()
    return
  fi
  COMPREPLY=($found)
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _impsweep impsweep
)";

constexpr const char* kZsh = R"(#compdef impsweep
# zsh completion for impsweep: source <(impsweep completion zsh)
_impsweep() {
  local -a found
  found=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${found[1]} == ":files" ]]; then
    _files
  else
    compadd -Q -S '' -- ${(M)found:#*=}
    compadd -- ${found:#*=}
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _impsweep "$@"; else compdef _impsweep impsweep; fi
)";

constexpr const char* kFish = R"(# fish completion for impsweep: impsweep completion fish | source
function __impsweep_complete
  set -l words (commandline -opc)
  set -l found ($words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if test "$found[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\n' $found
  end
end
complete -c impsweep -f -a '(__impsweep_complete)'
)";

// Chains of the store that the words name; none of what is no store.
Words chains_of(const Words& words) {
  Words chains;
  for (const std::string& word : words) try {
      const Plan plan = plan_of_store(Store::open(word, [](const std::string&) {}));
      for (const Chain& chain : plan.chains)
        if (chains.size() < kMostChains) chains.push_back(chain.name);
      if (!chains.empty()) break;
    } catch (const std::exception&) {
      continue;
    }
  return chains;
}

Words algorithm_words() {
  Words names;
  for (const AlgorithmInfo& algorithm : algorithms())
    if (std::ranges::count(names, algorithm.name) == 0) names.emplace_back(algorithm.name);
  return names;
}

Words key_words() {
  Words keys;
  for (const std::string& key : known_keys()) keys.push_back(key + "=");
  for (const char* key : {"seeds=", "rounds=", "baselines=", "master_seed="}) keys.emplace_back(key);
  return keys;
}

// What may stand after a flag; nothing known: a file.
Words values_of(const std::string& command, const std::string& flag, const Words& before) {
  if (flag == "--set") return key_words();
  if (flag == "--show") return task_names();
  if (flag == "--chain") return chains_of(before);
  if (flag == "--algorithm") return algorithm_words();
  if (flag == "--compare") {
    Words keys = known_keys();
    for (const char* axis : {"variant", "network", "algorithm", "baseline"}) keys.emplace_back(axis);
    return keys;
  }
  if (flag == "--format" && command == "bench") return {"text", "json", "markdown"};
  static const std::map<std::string, Words> kChoices = {{"--metric", {"best", "reevaluated", "final"}},
                                                        {"--backend", {"auto", "native", "torch"}},
                                                        {"--rank0", {"auto", "works", "sleeps"}},
                                                        {"--simd", {"auto", "scalar", "avx2", "avx512"}},
                                                        {"--format", {"csv", "json"}}};
  const auto found = kChoices.find(flag);
  return found == kChoices.end() ? Words{kFiles} : found->second;
}

// What may stand in the place of a word that is no flag.
Words positional_words(const std::string& command, const Words& positional) {
  const std::size_t place = positional.size();
  if (command == "init" && place == 0) return task_names();
  if (command == "completion" && place == 0) return {"bash", "zsh", "fish"};
  if (command == "export" && place == 1) return {"rounds", "curves", "inputs", "layers", "ticket"};
  if ((command == "explain" || command == "evaluate") && place == 1) return chains_of(positional);
  return {kFiles};
}

// Words of the command line after the program's name; the last is being written.
Words candidates(const Words& words) {
  if (words.size() < 2) {
    Words names = {"--help", "--version"};
    for (const Command& command : commands()) names.emplace_back(command.name);
    return names;
  }
  const auto command =
      std::ranges::find(commands(), words.front(), [](const Command& c) { return std::string(c.name); });
  if (command == commands().end()) return {};
  const Usage usage = usage_of(*command);
  std::map<std::string, bool> takes_value;
  for (const auto& option : usage.options.options())
    takes_value["--" + option->long_name()] = option->semantic()->max_tokens() > 0;
  Words positional;
  std::string flag;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const bool is_value = !flag.empty();
    flag.clear();
    if (is_value) continue;
    const auto known = takes_value.find(words[i]);
    if (known != takes_value.end() && known->second)
      flag = words[i];
    else if (!words[i].starts_with("-"))
      positional.push_back(words[i]);
  }
  if (!flag.empty()) return values_of(words.front(), flag, positional);
  if (words.back().starts_with("-")) {
    Words flags;
    for (const auto& [name, value] : takes_value) flags.push_back(name);
    return flags;
  }
  return positional_words(words.front(), positional);
}

}  // namespace

int command_complete(const Arguments& arguments) {
  Words words = arguments;
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if (words.empty()) words.emplace_back();
  const Words all = candidates(words);
  if (all.size() == 1 && all.front() == kFiles) {
    fmt::print("{}\n", kFiles);
    return kComplete;
  }
  for (const std::string& word : all)
    if (word.starts_with(words.back())) fmt::print("{}\n", word);
  return kComplete;
}

int command_completion(const Arguments& arguments) {
  Usage usage("completion bash|zsh|fish",
              "Prints a script that makes the shell complete commands, flags, tasks, keys of --set, and the\n"
              "chains of a store. Packages install it; for one session:\n\n"
              "Example: source <(impsweep completion bash)");
  usage.positional = {{"shell", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  const std::string shell =
      values->count("shell") == 0 ? "" : (*values)["shell"].as<std::vector<std::string>>().front();
  const std::map<std::string, const char*> scripts = {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  const auto found = scripts.find(shell);
  if (found == scripts.end())
    throw InputError("completion: '{}' is none of bash, zsh and fish; see `impsweep completion --help`",
                     shell);
  fmt::print("{}", found->second);
  return kComplete;
}

}  // namespace impsweep
